/**
 * Flows as text: the syntax of ovs-ofctl(8), ovs-fields(7) and ovs-actions(7), both ways. What is printed is what
 * {@code ovs-ofctl dump-flows} prints for the same flow.
 *
 * <p>{@link io.turnstile.pipeline.text.MatchField} is the one table of OpenFlow's match fields: names, wire codes,
 * prerequisites, formats. The wire codec reads the same table, so a field exists in text and on the wire or in neither.
 *
 * <p>Relies on the pipeline's version-free records only. Threads: everything here is immutable or confined to a call.
 */
package io.turnstile.pipeline.text;
