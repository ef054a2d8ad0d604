package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.ArrayList;
import java.util.List;

/** Puts the actions of an action set into the order in which they run, as {@link SetPlace} has it. */
public final class ActionSet {
    private ActionSet() {}

    /** The port that the set outputs to; {@link Ports#UNSET} if that is none, or a group's to decide. */
    public static int output(List<OfAction> written) {
        int output = Ports.UNSET;
        for (OfAction action : written) {
            switch (action) {
                case OfAction.Output out -> output = out.port();
                case OfAction.Controller controller when controller.isPlain() -> output = Ports.CONTROLLER;
                case OfAction.Group _ -> {
                    return Ports.UNSET;
                }
                default -> {
                    // No output.
                }
            }
        }
        return output;
    }

    /** Returns what runs; nothing if the set has no way out, since then the packet is dropped. */
    public static List<OfAction> inOrder(List<OfAction> written) {
        if (written.isEmpty()) {
            return List.of();
        }
        List<OfAction> ordered = new ArrayList<>();
        OfAction wayOut = null;
        for (SetPlace place : SetPlace.values()) {
            List<OfAction> here = written.stream()
                    .filter(action -> action.kind().setPlace() == place)
                    .toList();
            if (here.isEmpty()) {
                continue;
            }
            switch (place.rule()) {
                case LAST_OF_ITS_PLACE -> ordered.add(here.getLast());
                case ALL_AS_WRITTEN -> ordered.addAll(here);
                case WAY_OUT -> wayOut = here.getLast();
                case REFUSED, IGNORED -> {}
            }
        }
        if (wayOut == null) {
            return List.of();
        }
        ordered.add(wayOut);
        return ordered;
    }
}
