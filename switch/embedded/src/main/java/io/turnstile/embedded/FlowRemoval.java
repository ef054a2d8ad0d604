package io.turnstile.embedded;

/**
 * A flow that ended and had asked to tell ({@code send_flow_rem}).
 *
 * @param flow as {@code ovs-ofctl dump-flows} would have shown it last
 * @param reason 0 idle timeout, 1 hard timeout, 2 deleted
 */
public record FlowRemoval(String flow, int reason) {}
