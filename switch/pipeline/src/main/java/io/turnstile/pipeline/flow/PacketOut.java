package io.turnstile.pipeline.flow;

import java.util.List;

/**
 * OFPT_PACKET_OUT: a frame to be sent by these actions.
 *
 * @param inPort where it is said to have come in
 * @param fields what is said of the packet beside its bytes (OpenFlow 1.5): its type, metadata, registers and the like
 * @param frame not to be changed
 */
public record PacketOut(int inPort, Match fields, List<OfAction> actions, byte[] frame) implements SwitchChange {

    /** A packet of which nothing else is said. */
    public PacketOut(int inPort, List<OfAction> actions, byte[] frame) {
        this(inPort, Match.ANY, actions, frame);
    }
}
