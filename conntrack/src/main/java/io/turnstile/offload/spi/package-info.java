/**
 * What an offload provider implements. Depends on the JDK only.
 *
 * <h2>Life cycle</h2>
 * <table>
 * <caption>Per provider, and per connection and provider</caption>
 * <tr><th>event</th><th>when</th><th>ports known</th><th>thread</th><th>result</th><th>idempotent?</th></tr>
 * <tr><td>init</td><td>hw-offload turned on; priority order</td><td>–</td><td>configuration</td>
 *     <td>throw: not registered, "init failed"</td><td>no; again after close</td></tr>
 * <tr><td>canOffload</td><td>connection committed, or already there at init</td><td>original; reply only if it came
 * already</td>
 *     <td>dispatcher</td><td>Accept, or Decline(reason): never asked again</td><td>yes, without effects</td></tr>
 * <tr><td>connAdd</td><td>right after Accept</td><td>as canOffload</td><td>dispatcher</td>
 *     <td>returns: held; throw: failed, not held</td><td>no, comes once</td></tr>
 * <tr><td>connEstablished</td><td>first reply packet after connAdd</td><td>original and reply</td><td>dispatcher</td>
 *     <td>true: never again; false: asked again; throw: connDel follows, failed</td><td>until true</td></tr>
 * <tr><td>connUpdate</td><td>some time before the deadline</td><td>original; reply if established</td><td>dispatcher</td>
 *     <td>last use, ms since the epoch, 0 unknown; throw: connDel follows, failed</td><td>yes</td></tr>
 * <tr><td>connDel</td><td>expired, flushed, replaced, zone deleted, provider leaving or failed</td>
 *     <td>original; reply if established</td><td>dispatcher</td><td>not held any more, also after a throw</td>
 *     <td>no, comes once</td></tr>
 * <tr><td>close</td><td>hw-offload turned off, after connDel for all</td><td>–</td><td>configuration</td>
 *     <td>throw: logged, closed all the same</td><td>no; once per init</td></tr>
 * <tr><td>describe</td><td>any time</td><td>–</td><td>any</td><td>lines of text</td><td>yes</td></tr>
 * </table>
 *
 * <p>Awkward truths:
 * <ul>
 * <li>Events coalesce. A connection that came and went before the provider could be told is never announced. One that
 *     got its reply and was removed before the provider could be told of the reply gets no connEstablished.</li>
 * <li>The order canOffload → connAdd → connEstablished → connUpdate* → connDel holds per connection; nothing holds between
 *     connections.</li>
 * <li>connUpdate may come before connEstablished, or without it: a connection may never get a reply.</li>
 * <li>Several providers may hold the same connection.</li>
 * <li>When hw-offload is turned on, connections that exist already are announced as if they were new.</li>
 * </ul>
 *
 * <h2>The smallest provider that works</h2>
 * {@snippet :
 * public final class Smallest implements OffloadProvider {
 *     private final Set<Long> held = ConcurrentHashMap.newKeySet();
 *
 *     @Override public String name() { return "smallest"; }
 *     @Override public void connAdd(ConnView connection) { held.add(connection.id()); }
 *     @Override public boolean connEstablished(ConnView connection, PortRef replyIngress) { return true; }
 *     @Override public long connUpdate(ConnView connection) { return 0; } // unknown
 *     @Override public void connDel(ConnView connection, DelReason reason) { held.remove(connection.id()); }
 * }
 * }
 * and, in its jar, a file {@code META-INF/services/io.turnstile.offload.spi.OffloadProvider} with the class's name. A
 * provider for which bulk is cheaper overrides {@link io.turnstile.offload.spi.OffloadProvider#operate} instead.
 */
package io.turnstile.offload.spi;
