package io.turnstile.embedded;

/**
 * A flow that ended and had asked to tell ({@code send_flow_rem}).
 *
 * @param flow as {@code ovs-ofctl dump-flows} would have shown it last
 * @param reason the number of a {@link io.turnstile.pipeline.FlowRemovedReason}
 */
public record FlowRemoval(String flow, int reason) {}
