package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.List;

/**
 * The rest of a list of actions, which runs after recirculation. As in Open vSwitch instructions have become actions
 * that do the same, and what does nothing is not kept.
 *
 * @param tableId that of the flow whose actions they are
 * @param cookie that flow's
 * @param tells whether the first of them may tell a controller of table and cookie
 */
record FrozenActions(int tableId, long cookie, boolean tells, List<OfAction> actions) {

    /** In two parts: what comes before the first that tells a controller, and the rest. */
    static List<FrozenActions> of(int tableId, long cookie, List<OfAction> actions) {
        List<OfAction> before = new ArrayList<>();
        List<OfAction> rest = new ArrayList<>();
        for (OfAction action : actions) {
            if (!(action instanceof OfAction.Note) && !(action instanceof OfAction.Conjunction)) {
                boolean first = rest.isEmpty() && !mayTell(action);
                (first ? before : rest).add(asAction(action));
            }
        }
        List<FrozenActions> parts = new ArrayList<>();
        if (!before.isEmpty() || rest.isEmpty()) {
            parts.add(new FrozenActions(tableId, cookie, false, List.copyOf(before)));
        }
        if (!rest.isEmpty()) {
            parts.add(new FrozenActions(tableId, cookie, true, List.copyOf(rest)));
        }
        return parts;
    }

    private static boolean mayTell(OfAction action) {
        return switch (action) {
            case OfAction.Output _,
                    OfAction.OutputField _,
                    OfAction.Group _,
                    OfAction.Controller _,
                    OfAction.DecTtl _,
                    OfAction.DecTtlFor _,
                    OfAction.DecMplsTtl _,
                    OfAction.DecNshTtl _ -> true;
            case OfAction.Resubmit resubmit -> resubmit.tableId() == OfAction.Resubmit.SAME_TABLE;
            default -> false;
        };
    }

    private static OfAction asAction(OfAction action) {
        return switch (action) {
            case OfAction.GotoTable next -> new OfAction.Resubmit(OfAction.Ports.IN_PORT, next.tableId(), false);
            case OfAction.WriteMetadata write ->
                new OfAction.SetField(Field.METADATA, 0, write.value() & write.mask(), 0, write.mask());
            default -> action;
        };
    }
}
