/**
 * Flows, free of any OpenFlow version: matches, actions, the fields that they name, what may stand where, and their
 * text.
 *
 * <p>Two tables say what there is. {@link io.turnstile.pipeline.flow.MatchField} is the one of fields: names, wire
 * codes, prerequisites, formats, where they stand in the flow key. {@link io.turnstile.pipeline.flow.ActionKind} is the
 * one of actions and instructions: words, numbers on the wire, places, checks, what they change. Parser, printer,
 * checks and the wire codec read them, so that a field or an action exists in text and on the wire or in neither.
 *
 * <p>Text is the syntax of ovs-ofctl(8), ovs-fields(7) and ovs-actions(7), both ways; what is printed is what
 * {@code ovs-ofctl dump-flows} prints for the same flow.
 *
 * <p>Relies on the flow key of {@code io.turnstile.datapath}; knows nothing of tables and packets, which are the
 * engine's ({@code io.turnstile.pipeline}). Threads: everything here is immutable or confined to a call.
 */
@NullMarked
package io.turnstile.pipeline.flow;

import org.jspecify.annotations.NullMarked;
