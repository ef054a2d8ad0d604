package io.turnstile.embedded;

import io.turnstile.pipeline.flow.FlowRemovedReason;

/**
 * A flow that ended and had asked to tell ({@code send_flow_rem}).
 *
 * @param flow as {@code ovs-ofctl dump-flows} would have shown it last
 * @param reason what ended it
 */
public record FlowRemoval(String flow, FlowRemovedReason reason) {}
