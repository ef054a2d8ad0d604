package io.turnstile.datapath;

/**
 * The owner of a datapath flow that somebody has put in ({@code dpctl/add-flow}): nothing in the pipeline knows of it.
 *
 * @param namesPacketType whether its match was given with {@code packet_type}: it is shown as it was given
 */
record HandMade(boolean namesPacketType) {}
