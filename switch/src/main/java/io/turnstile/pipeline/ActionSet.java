package io.turnstile.pipeline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The action set of OpenFlow 1.3.5 §5.10: at most one action of each kind, run at the end in a fixed order. A later action of a
 * kind replaces the earlier one; set-field actions are of one kind per field.
 */
final class ActionSet {
    private final Map<Object, OfAction> byKind = new LinkedHashMap<>();

    void addAll(List<OfAction> actions) {
        for (OfAction action : actions) {
            Object kind = action instanceof OfAction.SetField set ? set.field() : action.getClass();
            byKind.remove(kind);
            byKind.put(kind, action);
        }
    }

    void clear() {
        byKind.clear();
    }

    List<OfAction> inOrder() {
        List<OfAction> actions = new ArrayList<>(byKind.values());
        actions.sort(Comparator.comparingInt(ActionSet::rank));
        return actions;
    }

    private static int rank(OfAction action) {
        return switch (action) {
            case OfAction.PopVlan _ -> 1;
            case OfAction.PushVlan _ -> 2;
            case OfAction.DecTtl _ -> 3;
            case OfAction.SetVlanVid _, OfAction.SetVlanPcp _, OfAction.SetField _, OfAction.Move _ -> 4;
            case OfAction.CtClear _, OfAction.Ct _ -> 6;
            case OfAction.Output _, OfAction.OutputField _, OfAction.Controller _ -> 7;
            case OfAction.Resubmit _ -> 8;
            case OfAction.WriteMetadata _, OfAction.GotoTable _, OfAction.ClearActions _, OfAction.WriteActions _,
                    OfAction.Note _, OfAction.StackPush _, OfAction.StackPop _ -> 5;
        };
    }
}
