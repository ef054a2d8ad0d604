package io.turnstile.pipeline.flow;

/** A change of a bridge that may stand in a bundle, with others that take effect at the same moment. */
public sealed interface SwitchChange permits FlowMod, GroupMod, PacketOut, PortMod {}
