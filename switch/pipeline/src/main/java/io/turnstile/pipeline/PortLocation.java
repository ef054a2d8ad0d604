package io.turnstile.pipeline;

/** The place of a port: its bridge, and its OpenFlow number there. */
record PortLocation(BridgePipeline bridge, int number) {}
