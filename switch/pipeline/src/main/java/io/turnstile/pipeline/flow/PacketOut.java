package io.turnstile.pipeline.flow;

import java.util.List;

/**
 * OFPT_PACKET_OUT: a frame to be sent by these actions.
 *
 * @param inPort where it is said to have come in
 * @param frame not to be changed
 */
public record PacketOut(int inPort, List<OfAction> actions, byte[] frame) implements SwitchChange {}
