package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The rest of a walk that {@code controller(pause)} has stopped: what the switch needs of it beside the packet and its
 * fields, which the controller may change. The packet-in takes it along and a controller brings it back (NXT_RESUME);
 * nothing of it is kept here. Immutable.
 *
 * @param bridge the identity of the bridge that the walk is in ({@link BridgePipeline#identity()})
 * @param datapathPort the datapath's number of the port by which the packet came in
 * @param stack two longs an entry, high first, the bottom first
 * @param conntrackVisible whether the packet's ct_ fields are those of its connection
 * @param rest what is to run, in this order
 * @param actionSet in the order in which it was written
 */
public record PausedWalk(
        UUID bridge,
        int datapathPort,
        List<Long> stack,
        boolean conntrackVisible,
        List<Rest> rest,
        List<OfAction> actionSet) {

    /**
     * The rest of one list of actions.
     *
     * @param tableId the table of the list's flow
     * @param cookie the flow's
     */
    public record Rest(int tableId, long cookie, List<OfAction> actions) {

        /**
         * What of the list is to run later. What only an instruction can say becomes an action that does the same, as
         * in Open vSwitch.
         */
        static Rest of(int tableId, long cookie, List<OfAction> list) {
            List<OfAction> actions = new ArrayList<>(list.size());
            for (OfAction action : list) {
                switch (action) {
                    case OfAction.GotoTable next ->
                        actions.add(new OfAction.Resubmit(Ports.IN_PORT, next.tableId(), false));
                    case OfAction.WriteMetadata write ->
                        actions.add(new OfAction.SetField(
                                Field.METADATA, 0, write.value() & write.mask(), 0, write.mask()));
                    case OfAction.Note _, OfAction.Conjunction _ -> {
                        // They do nothing.
                    }
                    default -> actions.add(action);
                }
            }
            return new Rest(tableId, cookie, List.copyOf(actions));
        }
    }
}
