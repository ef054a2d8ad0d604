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
 * <tr><td>name, priority</td><td>at registration</td><td>–</td><td>any</td><td>constants; throw: not registered</td>
 *     <td>yes</td></tr>
 * <tr><td>offeredFrom, carries</td><td>before each init</td><td>–</td><td>own</td><td>constant; throw: as of init</td>
 *     <td>yes</td></tr>
 * <tr><td>init</td><td>hw-offload turned on, provider chosen, or tried again after its breaker opened</td><td>–</td>
 *     <td>own</td><td>throw, or not back within 10 s: "init failed", tried again after 1 s, 2 s, … 1 min</td>
 *     <td>no; again after close</td></tr>
 * <tr><td>canOffload</td><td>connection committed (or established, or lasting, if offeredFrom says so), or there at init;
 *     again after Later and after it was taken back though it lives on</td><td>original; reply only if it came
 *     already</td><td>own</td><td>Accept; Decline(reason): not asked again; Later(reason): asked again</td>
 *     <td>yes, without effects</td></tr>
 * <tr><td>connAdd</td><td>after Accept; connDel of all former connections with one of its tuples has come</td>
 *     <td>as canOffload</td><td>own</td><td>Accept: held; Decline, Later: not held; throw: failed, not held</td>
 *     <td>no, comes once</td></tr>
 * <tr><td>connEstablished</td><td>with the first packet after connAdd that finds it established, of either direction;
 *     right after connAdd if it is by then</td><td>original and reply</td><td>own</td>
 *     <td>true: never again; false: asked again; throw: connDel follows, failed</td><td>until true</td></tr>
 * <tr><td>connChanged</td><td>mark, label or a port has changed, or software saw FIN or RST</td><td>original; reply once there
 *     was one</td><td>own</td><td>throw: connDel follows, failed</td><td>yes</td></tr>
 * <tr><td>connUpdate</td><td>its deadline has come</td><td>as connChanged</td><td>own</td>
 *     <td>last use, ms since the epoch, 0 unknown; throw: connDel follows, failed</td><td>yes</td></tr>
 * <tr><td>connDel</td><td>see {@link io.turnstile.offload.spi.DelReason}</td><td>as connChanged, "gone" if they
 *     are</td><td>own</td><td>not held any more, also after a throw</td>
 *     <td>once for each add; of what is not held: does nothing</td></tr>
 * <tr><td>pathPut</td><td>the provider carries, connEstablished has said true, and a walk of a packet was summed up; in
 *     the order of priority, until one accepts</td><td>as connEstablished</td><td>own</td><td>Accept: carried; Decline:
 *     not asked again before something changes; Later: asked again; throw: pathDel follows at once</td>
 *     <td>no; one path of a direction at a time</td></tr>
 * <tr><td>pathStats</td><td>a connection whose packets go by it is about to expire</td><td>as pathPut</td><td>own</td>
 *     <td>use since it was told last; throw: counted and logged</td><td>no: each packet is told once</td></tr>
 * <tr><td>pathDel</td><td>see {@link io.turnstile.offload.spi.PathEnd}; before connDel, and before pathPut of the next
 *     of that direction</td><td>as pathPut</td><td>own</td><td>use since it was told last; not carried any more, also
 *     after a throw</td><td>once for each put accepted; of what is not carried: does nothing</td></tr>
 * <tr><td>connFlush</td><td>before close, if anything may be held; no other call is under way</td><td>–</td><td>own</td>
 *     <td>true: nothing is held; false or throw: connDel for each follows</td><td>no; at most once per init</td></tr>
 * <tr><td>portAdded, portChanged, portRemoved</td><td>after init for each port that is there; then as they come</td>
 *     <td>–</td><td>own</td><td>throw: counted and logged</td><td>no</td></tr>
 * <tr><td>settingsChanged</td><td>after init, when the provider's part of other_config has changed</td><td>–</td>
 *     <td>own</td><td>throw: counted and logged</td><td>yes</td></tr>
 * <tr><td>close</td><td>hw-offload turned off, provider not chosen any more, n-offload-threads changed, its breaker
 *     open, or the switch's end; after connDel for all</td><td>–</td><td>own</td>
 *     <td>throw: logged, closed all the same</td><td>no; once per init</td></tr>
 * <tr><td>describe</td><td>any time</td><td>–</td><td>any</td><td>lines of text</td><td>yes</td></tr>
 * </table>
 *
 * <p>All that concern connections come through {@link io.turnstile.offload.spi.OffloadProvider#operate} in lists, and
 * by its default one by one.
 *
 * <h2>Awkward truths</h2>
 *
 * <p>Of order and time:
 *
 * <ul>
 *   <li>Events coalesce. A connection that came and went before the provider could be told is never announced. One that
 *       was removed before the provider could be told that it is established gets no connEstablished; several changes
 *       are one connChanged, whose view is the newest.
 *   <li>For a connection canOffload → connAdd come first, in this order, and connDel last; between them
 *       connEstablished, connChanged and connUpdate come in any order. A connection that never gets an answer sees no
 *       connEstablished, but connUpdate at its deadline, and connChanged.
 *   <li>Between connections one thing holds: for a zone and a tuple, of either direction, translated or not, connDel of
 *       the former connection has been answered before connAdd of the next is called. A device whose rules are keyed by
 *       zone and tuple needs no more; one that answers a delete before it is carried out has lost this. The same tuple
 *       in another zone is another connection at the same time.
 *   <li>established is more than answered. TCP: both sides are {@code ESTABLISHED}; the packet that made it so is as a
 *       rule the third of the handshake, of the <em>original</em> direction, so connEstablished's view knows the
 *       reply's port from the packet before. A SYN that was refused is never established. What software does not see (a
 *       provider that carries from connAdd on takes the handshake's rest) cannot move the tracker's states either: let
 *       software see SYN, SYN|ACK and the first ACK, and every FIN and RST.
 *   <li>A connection does not expire while a provider that holds it says that it is used. The holders are asked when
 *       the deadline has come; its removal waits for their answers, 60 s at most, and meanwhile packets find it. Of
 *       several answers the latest counts. Who answers "unknown" leaves the timer to software, which sees no packets of
 *       what is carried.
 *   <li>While a connection is held, software's check of TCP's windows is lenient, and goes on being so after connDel
 *       until it has seen both sides again. With the numbers of {@link io.turnstile.offload.spi.OffloadResult.Released}
 *       it is strict at once.
 *   <li>Several providers may hold the same connection; they are not told of one another, and neither waits for the
 *       other.
 *   <li>When a provider comes up, connections that exist already are announced as if they were new. In a large table
 *       that takes a while, as forwarding must not suffer.
 *   <li>What lives on in software after "port excluded", "port gone" or "lost" may be offered again: then everything
 *       begins anew with canOffload, under the same id.
 * </ul>
 *
 * <p>Of room:
 *
 * <ul>
 *   <li>Up to 64 connections may be asked about before the first of them is added. A table is full at connAdd, not at
 *       canOffload: say Later at both.
 *   <li>Later is asked again when the provider says room(), soon after something of it was deleted, and without either
 *       after a pause that grows while the answer stays the same. Decline is for the connection's life, or until the
 *       next init.
 *   <li>A device that evicts says lost() and may be asked about the connection until connDel(LOST) has come; it may
 *       answer as if it held it still, and the delete has nothing to do.
 *   <li>used(), lost() and room() may come on any thread at any time, also for a connection that has just gone: then
 *       they do nothing, and what was carried does not count.
 * </ul>
 *
 * <p>Of ports:
 *
 * <ul>
 *   <li>{@link io.turnstile.offload.spi.PortRef#id()} is the port; numbers and names may be another port's later. A
 *       connection whose port has gone is taken back with that reason. Whether portRemoved or those deletes come first,
 *       or portAdded or the first connection of a port, is not promised: views carry all that is known of a port.
 * </ul>
 *
 * <p>Of paths:
 *
 * <ul>
 *   <li>The two directions of a connection are two paths: one may be carried and the other not, or by another provider.
 *       Until pathPut is answered, and again from pathDel on, packets come up to software.
 *   <li>pathDel comes out of turn: before other events of the connection that were there first, though never before its
 *       connEstablished or while another of its operations is under way. So a connChanged may come when the path that
 *       it was about has gone.
 *   <li>A walk may go through several zones. Its other connections are the provider's too, or not; the path is
 *       withdrawn when any of them changes, and its use counts for all.
 *   <li>A path may be withdrawn before its put is answered: then the del comes next. A put that is declined needs none.
 *   <li>pathUsed() and pathLost() may come on any thread at any time; of a path that is not carried, or was taken back,
 *       they do nothing. Tell what was carried up to the end by pathDel's answer.
 *   <li>connFlush lets go of paths, too: after true no pathDel follows. After a throw out of operate a pathDel may come
 *       of what is not carried, as connDel may.
 *   <li>A filter of {@link io.turnstile.offload.spi.ProviderContext#filterReceived} is one provider's for each port,
 *       and is taken away after close.
 * </ul>
 *
 * <p>Of failure:
 *
 * <ul>
 *   <li>An operation that fails is one failure of one connection. A throw out of operate, or a list of the wrong
 *       length, is one failure of the provider, and what was done is unknown: a connDel follows for each connection of
 *       the list, each in a list of its own, but for those about which only canOffload was asked. Some of them may not
 *       be held: deleting that does nothing, and is no error. After a call that was given up and came back there may be
 *       such deletes, too.
 *   <li>A result that is {@link io.turnstile.offload.spi.OffloadResult.Deferred} keeps back what else there is for that
 *       connection, and nothing else; it has 10 s, completes on any thread, and is taken once. A delete that is
 *       deferred is not done until then: the next connection with its tuple waits. At most 256 operations of each of
 *       the provider's threads are outstanding at a time.
 *   <li>Budgets: a call that takes more than 500 ms is slow, one of more than 2 s (init, close: 10 s) or a deferred
 *       result of more than 10 s is given up, the call with its thread. 16 failures or 3 slow calls in a row, or one
 *       given up, open the circuit breaker: connFlush or connDel for all, close, and init again after 1 s, 2 s, 4 s …
 *       at most 1 min. The pause begins at 1 s again when the provider has worked for a minute without opening it.
 *   <li>After a call that was given up and came back in the end, connDel may bring a connection that is long gone: its
 *       view knows the id and nothing else.
 *   <li>A callback leaves its thread as it found it. An interrupt that it leaves behind is cleared.
 *   <li>Texts (reasons, messages of throwables, lines of describe) are cut.
 * </ul>
 *
 * <p>Of the end:
 *
 * <ul>
 *   <li>At the switch's orderly end everything is taken back and close is called, as when hw-offload is turned off; the
 *       process waits up to a minute for that, and says in the log what it did not wait for.
 *   <li>A process that is killed takes nothing back. init throws away what such a one has left in the device; that a
 *       device does not carry by stale rules for ever is its own affair (a time limit on rules, a heartbeat).
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
 * and, in its jar, a file {@code META-INF/services/io.turnstile.offload.spi.OffloadProvider} with the class's name. One
 * whose device has room for a thousand, wants established connections only and is busy with each for a while:
 *
 * <pre>{@code
 * public final class Card implements OffloadProvider {
 *     private static final int ROOM = 1000;
 *     private final Set<Long> held = ConcurrentHashMap.newKeySet();
 *     private final Semaphore room = new Semaphore(ROOM);
 *     private final Device device = new Device(); // calls back when a command is done
 *     private ProviderContext context;
 *
 *     @Override public String name() { return "card"; }
 *     @Override public OfferMoment offeredFrom() { return OfferMoment.ESTABLISHED; }
 *     @Override public void init(ProviderContext context) throws IOException {
 *         this.context = context;
 *         device.openAndClear(); // of what a dead process has left
 *         device.onSweep((id, lastMs, packets, bytes) -> context.used(id, lastMs, packets, bytes));
 *         device.onEvicted(id -> context.lost(id, "evicted"));
 *     }
 *     @Override public void close() { device.close(); }
 *     @Override public Verdict canOffload(ConnView connection) {
 *         return room.availablePermits() > 0 ? Verdict.accept() : Verdict.later("card is full");
 *     }
 *     @Override public OffloadResult operateOne(OffloadOperation operation) {
 *         return switch (operation) {
 *             case OffloadOperation.Add add -> {
 *                 if (!room.tryAcquire()) {
 *                     yield Verdict.later("card is full");
 *                 }
 *                 held.add(add.connection().id());
 *                 yield new OffloadResult.Deferred(device.write(add.connection()) // completes with DONE, or with
 *                     .whenComplete((result, thrown) -> {                         // Failed or a throwable
 *                         if (result != OffloadResult.DONE) {
 *                             forget(add.connection());
 *                         }
 *                     }));
 *             }
 *             case OffloadOperation.Delete delete -> new OffloadResult.Deferred(device.erase(delete.connection())
 *                 .whenComplete((result, thrown) -> forget(delete.connection())));
 *             default -> OffloadProvider.super.operateOne(operation);
 *         };
 *     }
 *     private void forget(ConnView connection) {
 *         if (held.remove(connection.id())) { // a delete may be about what is not held
 *             room.release();
 *             context.room();
 *         }
 *     }
 *     @Override public void connChanged(ConnView connection, Set<ConnChange> changes) { device.rewrite(connection); }
 *     @Override public boolean connEstablished(ConnView connection, PortRef replyIngress) { return true; }
 *     @Override public long connUpdate(ConnView connection) { return device.lastUse(connection.id()); } // 0: unknown
 *     @Override public Verdict connAdd(ConnView connection) { throw new AssertionError("bulk only"); }
 *     @Override public void connDel(ConnView connection, DelReason reason) { throw new AssertionError("bulk only"); }
 * }
 * }</pre>
 *
 * A provider for which one doorbell for a whole list is cheaper overrides
 * {@link io.turnstile.offload.spi.OffloadProvider#operate} instead.
 */
@NullMarked
package io.turnstile.offload.spi;

import org.jspecify.annotations.NullMarked;
