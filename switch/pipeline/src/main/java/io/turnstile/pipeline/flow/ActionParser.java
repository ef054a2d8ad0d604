package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * The parser reads a list of actions and instructions (ovs-actions(7)); what stands behind a keyword is read as its row
 * of {@link ActionKind} says.
 */
final class ActionParser {

    /** Where in a flow the parser stands. */
    private enum Place {
        FLOW,
        ACTION_SET,
        CLONE,
        CT_EXEC
    }

    /** Open vSwitch's. */
    private static final int MAX_NESTING = 100;

    private final PortNames ports;
    /** How many lists of actions the parser stands in. */
    private int nesting;

    ActionParser(PortNames ports) {
        this.ports = ports;
    }

    PortNames ports() {
        return ports;
    }

    List<OfAction> parse(String text) throws FlowTextException {
        return parse(text, Place.FLOW);
    }

    /** What stands in {@code write_actions(…)}. */
    List<OfAction> actionSet(String text) throws FlowTextException {
        return parse(text, Place.ACTION_SET);
    }

    /** What stands in {@code clone(…)}. */
    List<OfAction> nestedInClone(String text) throws FlowTextException {
        return parse(text, Place.CLONE);
    }

    /** What stands in {@code ct(exec(…))}. */
    List<OfAction> nestedInCt(String text) throws FlowTextException {
        return parse(text, Place.CT_EXEC);
    }

    private List<OfAction> parse(String text, Place place) throws FlowTextException {
        if (nesting >= MAX_NESTING) {
            throw new FlowTextException("Action nested too deeply");
        }
        nesting++;
        try {
            return list(text, place);
        } finally {
            nesting--;
        }
    }

    private List<OfAction> list(String text, Place place) throws FlowTextException {
        List<OfAction> actions = new ArrayList<>();
        boolean drop = false;
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            String key = scanner.key().toLowerCase(Locale.ROOT);
            if (key.equals("drop")) {
                drop = true;
                continue;
            }
            OfAction action = one(key, scanner.key(), scanner.value());
            checkPlace(action, place, key);
            actions.add(action);
        }
        if (drop && !actions.isEmpty()) {
            throw new FlowTextException("\"drop\" must not be accompanied by any other action or instruction");
        }
        Instruction.check(actions);
        ConjunctionText.check(actions);
        return List.copyOf(actions);
    }

    private OfAction one(String key, String original, String value) throws FlowTextException {
        ActionRow.Reader reader = ActionKind.reader(key);
        if (reader != null) {
            return reader.read(value, this);
        }
        if (key.equals("apply_actions")) {
            throw new FlowTextException("apply_actions is the default instruction");
        }
        if (UnsupportedAction.isNamed(key)) {
            throw new FlowTextException("action " + key + " is not supported");
        }
        OptionalInt port = ports.parse(original);
        if (port.isEmpty()) {
            throw new FlowTextException("unknown action " + original);
        }
        return ForwardingText.toPort(port.getAsInt());
    }

    private static void checkPlace(OfAction action, Place place, String key) throws FlowTextException {
        ActionKind kind = action.kind();
        boolean ofCt = kind.belongsInCt(action);
        boolean fits = switch (place) {
            case FLOW -> !ofCt;
            case ACTION_SET, CLONE -> !ofCt && kind.instruction() == Instruction.APPLY_ACTIONS;
            case CT_EXEC -> ofCt;
        };
        if (!fits) {
            throw new FlowTextException(
                    action instanceof OfAction.Nat
                            ? "Cannot have NAT action outside of \"ct\" action"
                            : ofCt
                                    ? "cannot set CT fields outside of ct nesting"
                                    : place == Place.CT_EXEC
                                            ? "ct action doesn't support nested " + named(action, key)
                                            : key + " instruction not allowed here");
        }
    }

    private static String named(OfAction action, String key) {
        Field written = action.kind().written(action);
        return action.kind().mayNestInCt() && written != null ? "modification of " + written.label() : "action " + key;
    }
}
