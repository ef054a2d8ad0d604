/**
 * What an offload provider implements. Depends on the JDK only: the JSpecify annotations, which say where null may
 * stand, are for compilers and are not needed on any class path. Threads: each provider is called on its own, see
 * {@link io.turnstile.offload.spi.OffloadProvider}.
 *
 * <h2>Life cycle</h2>
 *
 * <table>
 * <caption>Per provider, and per connection and provider. "Own" thread: one of those that the provider has for
 * itself.</caption>
 * <tr><th>event</th><th>when</th><th>ports known</th><th>thread</th><th>result</th><th>idempotent?</th></tr>
 * <tr><td>init</td><td>hw-offload turned on, provider chosen, or tried again after its breaker opened</td><td>–</td>
 *     <td>own</td><td>throw: "init failed", tried again after 1 s, 2 s, … 1 min</td><td>no; again after close</td></tr>
 * <tr><td>canOffload</td><td>connection committed, or already there at init</td><td>original; reply only if it came
 *     already</td><td>own</td><td>Accept, or Decline(reason): not asked again</td><td>yes, without effects</td></tr>
 * <tr><td>connAdd</td><td>right after Accept</td><td>as canOffload</td><td>own</td>
 *     <td>returns: held; throw: failed, not held</td><td>no, comes once</td></tr>
 * <tr><td>connEstablished</td><td>first reply packet after connAdd</td><td>original and reply</td><td>own</td>
 *     <td>true: never again; false: asked again; throw: connDel follows, failed</td><td>until true</td></tr>
 * <tr><td>connUpdate</td><td>some time before the deadline</td><td>original; reply if established</td><td>own</td>
 *     <td>last use, ms since the epoch, 0 unknown; throw: connDel follows, failed</td><td>yes</td></tr>
 * <tr><td>connDel</td><td>expired, flushed, replaced, zone deleted, port excluded, provider leaving or failed</td>
 *     <td>original; reply if established</td><td>own</td><td>not held any more, also after a throw</td>
 *     <td>no, comes once</td></tr>
 * <tr><td>connFlush</td><td>before close, if anything may be held; no other call is under way</td><td>–</td><td>own</td>
 *     <td>true: nothing is held; false or throw: connDel for each follows</td><td>no; at most once per init</td></tr>
 * <tr><td>close</td><td>hw-offload turned off, provider not chosen any more, n-offload-threads changed, or its breaker open;
 *     after connDel for all</td><td>–</td><td>own</td><td>throw: logged, closed all the same</td><td>no; once per
 *     init</td></tr>
 * <tr><td>describe</td><td>any time</td><td>–</td><td>any</td><td>lines of text</td><td>yes</td></tr>
 * </table>
 *
 * <p>Awkward truths:
 *
 * <ul>
 *   <li>Events coalesce. A connection that came and went before the provider could be told is never announced. One that
 *       got its reply and was removed before the provider could be told of the reply gets no connEstablished.
 *   <li>The order canOffload → connAdd → connEstablished → connUpdate* → connDel holds per connection; nothing holds
 *       between connections.
 *   <li>connUpdate may come before connEstablished, or without it: a connection may never get a reply.
 *   <li>Several providers may hold the same connection; they are not told of one another, and neither waits for the
 *       other.
 *   <li>When a provider comes up, connections that exist already are announced as if they were new. In a large table
 *       that takes a while, as forwarding must not suffer.
 *   <li>A connection taken away as "port excluded" may be offered again when the Interface's list changes: then
 *       everything begins anew with canOffload.
 *   <li>Budgets: a call that takes more than 500 ms is slow, one of more than 2 s is given up with its thread. 16
 *       failed operations or 3 slow calls in a row, or one call given up, open the circuit breaker: connFlush or
 *       connDel for all, close, and init again later.
 *   <li>After a call that was given up and came back in the end, connDel may bring a connection that is long gone: its
 *       view knows the id and nothing else.
 *   <li>In an embedded switch without threads everything runs on the thread that drains the dispatcher.
 * </ul>
 *
 * <h2>The smallest provider that works</h2>
 *
 * <pre>{@code
 * public final class Smallest implements OffloadProvider {
 *     private final Set<Long> held = ConcurrentHashMap.newKeySet();
 *
 *     @Override public String name() { return "smallest"; }
 *     @Override public Verdict connAdd(ConnView connection) {
 *         held.add(connection.id());
 *         return Verdict.accept();
 *     }
 *     @Override public boolean connEstablished(ConnView connection, PortRef replyIngress) { return true; }
 *     @Override public long connUpdate(ConnView connection) { return 0; } // unknown
 *     @Override public void connDel(ConnView connection, DelReason reason) { held.remove(connection.id()); }
 * }
 * }</pre>
 *
 * and, in its jar, a file {@code META-INF/services/io.turnstile.offload.spi.OffloadProvider} with the class's name. A
 * provider for which bulk is cheaper overrides {@link io.turnstile.offload.spi.OffloadProvider#operate} instead.
 */
@NullMarked
package io.turnstile.offload.spi;

import org.jspecify.annotations.NullMarked;
