/**
 * Providers that misbehave in one chosen way each, for tests of whoever calls providers. They are not announced to
 * {@link java.util.ServiceLoader}: who wants one makes one.
 *
 * <table>
 * <caption>The faults</caption>
 * <tr><th>provider</th><th>what is wrong with it</th></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.RefusingProvider}</td><td>refuses, for good or for now, when asked or
 *     when adding</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.FullProvider}</td><td>has room for so many connections; no fault,
 *     but what a caller has to live with</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.EvictingProvider}</td><td>throws out what it holds and says so; no
 *     fault either</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.ThrowingProvider}</td><td>throws out of chosen callbacks</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.HalfwayProvider}</td><td>throws out of a list of operations with
 *     half of them done</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.InterruptingProvider}</td><td>leaves its caller's thread
 *     interrupted</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.SlowProvider}</td><td>takes long, in real or given time</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.HangingProvider}</td><td>does not return until released</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.DeferringProvider}</td><td>answers elsewhere, late, never, twice
 *     or with nonsense</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.LyingProvider}</td><td>lies about last use</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.LongWindedProvider}</td><td>has a great deal to say</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.ForgettingProvider}</td><td>loses connections, or keeps them for
 *     ever</td></tr>
 * <tr><td>{@link io.turnstile.offload.provider.fault.InitFailingProvider}</td><td>never comes up</td></tr>
 * </table>
 *
 * <p>All but the last extend {@link io.turnstile.offload.provider.fault.HoldingProvider}: apart from its one fault each
 * is a correct provider, and tells what it holds. Relies on the SPI only. Threads: any, as the SPI says; a fault that
 * can be chosen anew holds from the next callback on.
 */
@NullMarked
package io.turnstile.offload.provider.fault;

import org.jspecify.annotations.NullMarked;
