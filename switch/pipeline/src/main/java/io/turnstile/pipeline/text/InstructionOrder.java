package io.turnstile.pipeline.text;

import io.turnstile.pipeline.OfAction;
import java.util.List;

/** Flattened instructions have one order (OpenFlow 1.3.5 §5.9), or they could not be told to an OpenFlow 1.3 peer. */
public final class InstructionOrder {
    /** Rank of everything that belongs to apply_actions. */
    public static final int APPLY = 1;

    private static final String[] NAMES = {
        "meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table"
    };

    private InstructionOrder() {}

    /** Which instruction the action is, or is a part of. */
    public static int rank(OfAction action) {
        return switch (action) {
            case OfAction.ClearActions a -> 2;
            case OfAction.WriteActions a -> 3;
            case OfAction.WriteMetadata a -> 4;
            case OfAction.GotoTable a -> 5;
            case OfAction.Output a -> APPLY;
            case OfAction.OutputField a -> APPLY;
            case OfAction.Controller a -> APPLY;
            case OfAction.SetField a -> APPLY;
            case OfAction.Move a -> APPLY;
            case OfAction.SetVlanVid a -> APPLY;
            case OfAction.SetVlanPcp a -> APPLY;
            case OfAction.PushVlan a -> APPLY;
            case OfAction.PopVlan a -> APPLY;
            case OfAction.DecTtl a -> APPLY;
            case OfAction.Resubmit a -> APPLY;
            case OfAction.Ct a -> APPLY;
            case OfAction.CtClear a -> APPLY;
            case OfAction.Nat a -> APPLY;
            case OfAction.Note a -> APPLY;
            case OfAction.StackPush a -> APPLY;
            case OfAction.StackPop a -> APPLY;
        };
    }

    static void check(List<OfAction> actions) throws FlowTextException {
        int last = 0;
        for (OfAction action : actions) {
            int rank = rank(action);
            if (rank == last && rank != APPLY) {
                throw new FlowTextException(
                        "duplicate " + NAMES[rank] + " instruction not allowed, for OpenFlow 1.1+ compatibility");
            }
            if (rank < last) {
                throw new FlowTextException("invalid instruction ordering: " + NAMES[rank] + " must appear before "
                        + NAMES[last] + ", for OpenFlow 1.1+ compatibility");
            }
            last = rank;
        }
    }
}
