package io.turnstile.pipeline;

/** What the slow path must know of a packet on its way to the controllers; travels through the datapath unread. */
record PacketInCookie(BridgePipeline bridge, OfAction.Controller controller, int tableId, long ruleCookie, int inPort,
                      long[] pipelineWords, boolean conntracked) {
}
