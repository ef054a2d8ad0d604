package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.List;

/**
 * In which order the actions of an action set run (OpenFlow 1.3.5 §5.10; order of the extensions as in ovs-actions(7),
 * "write_actions"): pop, push, decrement, all that set fields in the order written, then one way out. Of actions of a
 * kind the last written counts.
 */
final class ActionSet {
    private ActionSet() {}

    static List<OfAction> inOrder(List<OfAction> written) {
        List<OfAction> ordered = new ArrayList<>();
        addLast(written, OfAction.PopVlan.class, ordered);
        addLast(written, OfAction.PushVlan.class, ordered);
        addLast(written, OfAction.DecTtl.class, ordered);
        written.stream().filter(ActionSet::setsField).forEach(ordered::add);
        OfAction exit = null;
        int exitRank = 0;
        for (OfAction action : written) {
            int rank = exitRank(action);
            if (rank > 0 && rank >= exitRank) {
                exit = action;
                exitRank = rank;
            }
        }
        if (exit == null) {
            return List.of(); // Without a way out the packet is dropped, so nothing else of the set matters.
        }
        ordered.add(exit);
        return ordered;
    }

    private static void addLast(List<OfAction> written, Class<? extends OfAction> kind, List<OfAction> ordered) {
        written.stream().filter(kind::isInstance).reduce((_, later) -> later).ifPresent(ordered::add);
    }

    private static boolean setsField(OfAction action) {
        return action instanceof OfAction.SetField
                || action instanceof OfAction.Move
                || action instanceof OfAction.SetVlanVid
                || action instanceof OfAction.SetVlanPcp;
    }

    /** Output goes before resubmit, and that before ct; 0 for what does not lead out. */
    private static int exitRank(OfAction action) {
        return switch (action) {
            case OfAction.Output _, OfAction.OutputField _, OfAction.Controller _ -> 3;
            case OfAction.Resubmit _ -> 2;
            case OfAction.Ct _ -> 1;
            default -> 0;
        };
    }

    /** Whether the action may stand in an action set at all. */
    static boolean mayHold(OfAction action) {
        return exitRank(action) > 0
                || setsField(action)
                || action instanceof OfAction.PopVlan
                || action instanceof OfAction.PushVlan
                || action instanceof OfAction.DecTtl
                || action instanceof OfAction.CtClear;
    }
}
