package io.turnstile.pipeline;

/** Where a port is: its bridge, and its OpenFlow number there. */
record PortLocation(BridgePipeline bridge, int number) {}
