package io.turnstile.pipeline.flow;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Instructions of OpenFlow 1.1 and later, in the one order in which they run (OpenFlow 1.3.5 §5.9). A flow's flattened
 * list keeps to that order, or it could not be told to a controller of OpenFlow 1.1 or later.
 */
public enum Instruction {
    METER("meter", 6),
    APPLY_ACTIONS("apply_actions", 4),
    CLEAR_ACTIONS("clear_actions", 5),
    WRITE_ACTIONS("write_actions", 3),
    WRITE_METADATA("write_metadata", 2),
    GOTO_TABLE("goto_table", 1);

    private final String label;
    private final int type;

    Instruction(String label, int type) {
        this.label = label;
        this.type = type;
    }

    /** The type on the wire (OpenFlow 1.3.5 §7.2.4). */
    public int type() {
        return type;
    }

    /** The instruction with that type; null if there is none. */
    public static @Nullable Instruction ofType(int type) {
        for (Instruction instruction : values()) {
            if (instruction.type == type) {
                return instruction;
            }
        }
        return null;
    }

    static void check(List<OfAction> actions) throws FlowTextException {
        Instruction last = METER;
        for (OfAction action : actions) {
            Instruction next = action.kind().instruction();
            if (next == last && next != APPLY_ACTIONS) {
                throw new FlowTextException(
                        "duplicate " + next.label + " instruction not allowed, for OpenFlow 1.1+ compatibility");
            }
            if (next.compareTo(last) < 0) {
                throw new FlowTextException("invalid instruction ordering: " + next.label + " must appear before "
                        + last.label + ", for OpenFlow 1.1+ compatibility");
            }
            last = next;
        }
    }
}
