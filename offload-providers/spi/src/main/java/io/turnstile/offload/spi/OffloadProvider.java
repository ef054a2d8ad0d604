package io.turnstile.offload.spi;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes connections over from the software path. Implementations are found by {@link java.util.ServiceLoader}: a public
 * class with a public constructor without parameters, named in
 * {@code META-INF/services/io.turnstile.offload.spi.OffloadProvider}. The package description has the life cycle as a
 * table and the smallest provider that works.
 *
 * <p>Common to all callbacks: they run on threads that the dispatcher keeps for this provider alone, never on a
 * forwarding thread, and under no lock of the tracker (an embedded switch without threads calls from whoever drains
 * it). Those of one connection come in order and one at a time; those of different connections may come at once if
 * {@link ProviderContext#threads()} is more than 1. A throw is contained: caught, counted and logged once per distinct
 * cause, and the connection is {@code failed} for this provider; other connections, other providers and all packets go
 * on. A callback that takes long delays this provider's other events, never a packet and never another provider; what
 * happens to one that takes too long, or fails too often, stands in the package description.
 */
@SuppressWarnings("try") // close() may throw anything, an InterruptedException too: the dispatcher contains it.
public interface OffloadProvider extends AutoCloseable {

    /** Priority of a provider that does not say. */
    int DEFAULT_PRIORITY = 100;

    /**
     * The name that people configure and see: lower case letters, digits, {@code -} and {@code _}; constant;
     * {@code none} is reserved. When: any time, on any thread. A throw, null or a malformed name keeps the provider
     * from being registered.
     */
    String name();

    /**
     * Where the provider stands when {@code other_config:hw-offload-priority} does not say: higher comes first, equal
     * ones in the order of their names. When: at registration, any thread.
     */
    default int priority() {
        return DEFAULT_PRIORITY;
    }

    /**
     * From when on connections are offered: as soon as they are committed, or once they are established, which is all
     * that most devices want, and spares them what never gets an answer, or once they have lasted, which spares both
     * sides the work for what is soon over. When: before each {@link #init}, on the same thread; what is said about a
     * throw there, and about one that does not return, holds here.
     */
    default OfferMoment offeredFrom() {
        return OfferMoment.COMMITTED;
    }

    /**
     * Makes the provider ready: opens devices, allocates tables.
     *
     * <p>The device may still hold rules of a process that was killed: nobody will ask for their removal, and ids of
     * that process mean nothing in this one. A provider throws them away here, before any connection is offered; what
     * must not be carried while the switch was away is the device's own affair (a time limit on rules, a heartbeat).
     *
     * <p>When: each time the provider comes up, before any other callback: hw-offload turned on, the provider chosen,
     * its jar found, or a new try after its breaker opened. May be called again after {@link #close}. Thread: one of
     * the provider's own; the others are not started yet. A throw means that it is not up: {@code close} is not called,
     * the message is shown as "init failed: …", and it is tried again later. One that does not return within 10 s is
     * given up, and shown as such; if it returns after all, {@code close} follows and it is tried again.
     */
    default void init(ProviderContext context) throws Exception {}

    /**
     * Gives back what {@link #init} took.
     *
     * <p>When: once for each {@code init} that returned, after {@code connDel} for every connection held or a
     * {@link #connFlush} that said true; no callback follows but {@code init}. Thread: the last of the provider's own.
     * A throw is logged; the provider counts as closed. One that does not return within 10 s is given up, and shown as
     * such.
     */
    @Override
    default void close() throws Exception {}

    /**
     * Would the provider take this connection?
     *
     * <p>When: before its {@link #connAdd}; once per connection and {@code init}, and again after {@link Verdict#later}
     * and after it was taken from the provider though it lives on ("port excluded", "port gone", "lost"), or was not
     * added in the end because its port went. The reply ingress port is absent unless there was a reply already. Must
     * not have effects: up to 64 connections may be asked about before the first of them is added, and {@code connAdd}
     * need not follow an accept (the connection may be gone). A throw: failed, {@code connAdd} does not follow.
     */
    default Verdict canOffload(ConnView connection) {
        return Verdict.accept();
    }

    /**
     * A connection that the provider said it takes. From the moment this returns {@link Verdict#accept()} the provider
     * <em>holds</em> the connection, and {@link #connDel} will follow exactly once.
     *
     * <p>When: after {@link #canOffload} accepted. Only the original direction's ingress port is sure to be known. For
     * any tuple of a zone, in either direction, translated or not, the former connection's {@code connDel} has come
     * before. A decline, a {@link Verdict#later} (there is no room after all) or a throw means that the provider holds
     * nothing: it cleans up before, and no {@code connDel} follows. Need not be idempotent.
     *
     * @return accept: it is held; decline, later: as in {@link #canOffload}
     */
    Verdict connAdd(ConnView connection);

    /**
     * A connection that this provider holds is established. What that means is the protocol's affair: TCP: the third
     * packet of the handshake was seen, both sides are {@link TcpView.State#ESTABLISHED}; SCTP: the COOKIE-ECHO was
     * acknowledged; ICMP, UDP and all others: a packet of the reply direction came that the tracker found valid. A SYN
     * that was refused is none of these, and neither is one that was only answered.
     *
     * <p>When: after {@code connAdd} and before {@code connDel}, right after {@code connAdd} where it is established by
     * then; again with a later packet that software sees until it returns true, then never again. Skipped if the
     * connection is removed before the provider could be told. A throw: {@code connDel(PROVIDER_FAILED)} follows at
     * once. Must bear repetition after false.
     *
     * @param replyIngress port by which replies come in; equals the original ingress port on a hairpin
     * @return true once the offload covers both directions; false to be asked again
     */
    boolean connEstablished(ConnView connection, PortRef replyIngress);

    /**
     * Something has changed about a connection that this provider holds: who carries packets may have to carry them
     * otherwise, or not at all (OVN blocks a connection by its label).
     *
     * <p>When: after software saw the change; any number of times between {@code connAdd} and {@code connDel}. Changes
     * coalesce: the view is the newest, {@code changes} all since the provider was shown the connection last. A throw:
     * {@code connDel(PROVIDER_FAILED)} follows at once. Must be idempotent.
     */
    default void connChanged(ConnView connection, Set<ConnChange> changes) {}

    /**
     * When was this connection last used, as far as the provider knows?
     *
     * <p>When: any number of times between {@code connAdd} and {@code connDel}, when the connection's deadline has
     * come. Its removal waits for the answers of all providers that hold it, 60 s at most; the latest of them counts,
     * and only ever extends the deadline. An answer in the future is taken as "now". A throw:
     * {@code connDel(PROVIDER_FAILED)} follows at once. Must be idempotent. What was carried can be told at any time:
     * {@link ProviderContext#used}.
     *
     * @return ms since the epoch on the scale of {@link ProviderContext#wallMs()}; 0: unknown, software's own timer
     *     decides
     */
    long connUpdate(ConnView connection);

    /**
     * Let go of the connection: from the moment this returns no packet of it may be carried by the provider.
     *
     * <p>When: exactly once for each {@code connAdd} that accepted, as the last callback of this connection, unless it
     * is offered again. Besides, {@link #operate} having thrown, for each of its adds, of which nobody knows how far
     * they came, and again for each of its deletes: one of a connection that is not held does nothing. A throw is
     * counted and logged; the provider is taken to hold the connection no longer. What was carried can be told by
     * {@link ProviderContext#used} before this returns, or in bulk by {@link OffloadResult.Released}.
     */
    void connDel(ConnView connection, DelReason reason);

    /**
     * Let go of every connection at once, if the provider has a way to do so that is cheaper than one by one.
     *
     * <p>When: at most once, before {@link #close}, while no other callback is under way and no deferred result is
     * owed; the dispatcher is about to take all connections away. A throw is counted and means false.
     *
     * @return true: nothing is held any more and no {@link #connDel} follows; false: connDel follows for each one held
     */
    default boolean connFlush(DelReason reason) {
        return false;
    }

    /**
     * Whether the provider carries packets: then it is offered paths of the connections that it holds. When: before
     * each {@link #init}, on the same thread as {@link #offeredFrom}, of which the rest holds here too.
     */
    default boolean carries() {
        return false;
    }

    /**
     * A way of packets, one direction of a connection that the provider holds. From the moment it accepts it
     * <em>carries</em> that direction: packets that the path describes need not come up to software any more, and
     * {@link #pathDel} will follow exactly once. Holding a connection gives no leave to forward its packets; this does.
     *
     * <p>When: after {@link #connEstablished} has said true, any number of times, but at most one path a direction at a
     * time; offered to one provider at a time, in the order of priority, until one accepts. A decline means that this
     * provider is not offered a path of this direction again before the connection changes, or rules or ports do, which
     * may have changed its walk; after {@link Verdict#later} it is, once it says {@link ProviderContext#room()} or
     * after a pause. A throw: failed, and a {@code pathDel} follows at once in case something was done.
     */
    default Verdict pathPut(ConnView connection, Path path) {
        return Verdict.decline("carries nothing");
    }

    /**
     * Carry no packet by this path any more: from the moment this returns none is, and those that come go up to
     * software. Somebody may be waiting for the answer: a change of flows is not acknowledged before.
     *
     * <p>When: once for each path accepted, before {@link #connDel} of its connection. A throw is counted and logged;
     * the provider is taken to carry the path no longer.
     *
     * @return what was carried since it was told last; {@link OffloadResult.Carried#UNKNOWN} if that is not known
     */
    default OffloadResult.Carried pathDel(ConnView connection, Path path, PathEnd reason) {
        return OffloadResult.Carried.UNKNOWN;
    }

    /**
     * What has the path carried since that was told last? When: any number of times while the provider carries it. A
     * provider that reads its counters in one sweep tells them with {@link ProviderContext#pathUsed}. A throw is
     * counted and logged, and has no further effect.
     */
    default OffloadResult.Carried pathStats(ConnView connection, Path path) {
        return OffloadResult.Carried.UNKNOWN;
    }

    /**
     * A port has come, or was there when the provider came up. What is promised: one of these before
     * {@link #portChanged} and {@link #portRemoved} of the same {@link PortRef#id()}; nothing as to connections'
     * callbacks, whose views carry all that is known of their ports. Thread: one of the provider's own, one at a time.
     * A throw of any of the three is counted and logged.
     */
    default void portAdded(PortRef port) {}

    /** A port has another name, bridge, OpenFlow number, ifindex, MAC or MTU than it was shown with. */
    default void portChanged(PortRef port) {}

    /** A port has gone. What connections came in by it are taken back with {@link DelReason#PORT_GONE}. */
    default void portRemoved(PortRef port) {}

    /**
     * {@link ProviderContext#settings()} have changed while the provider is up. A value that it cannot use is worth a
     * line in {@link ProviderContext#logger()} and is otherwise as if it were not there. Thread: one of its own. A
     * throw is counted and logged.
     */
    default void settingsChanged(Map<String, String> settings) {}

    /**
     * The bulk interface, through which all {@code conn…} callbacks and {@code canOffload} come: operations of mixed
     * kinds on many connections, at most one for each connection. They may be carried out in any order or together.
     *
     * <p>The default calls the single callbacks one by one, so that a provider implements either side. A null, or a
     * result that does not fit its operation, is {@code failed} for that one. A throw out of here, or a list of the
     * wrong length, is <em>one</em> failure, and nobody knows what was done: a delete follows for every connection of
     * the list, each in a list of its own, but for those of a {@link OffloadOperation.Query}, which has no effects.
     *
     * @param operations 1 to some dozens; immutable, may be kept
     * @return one result per operation, in the same order
     */
    default List<OffloadResult> operate(List<OffloadOperation> operations) {
        List<OffloadResult> results = new ArrayList<>(operations.size());
        for (OffloadOperation operation : operations) {
            results.add(operateOne(operation));
        }
        return results;
    }

    /** Carries out one operation through its single callback; a throw becomes {@link OffloadResult.Failed}. */
    default OffloadResult operateOne(OffloadOperation operation) {
        try {
            return switch (operation) {
                case OffloadOperation.Query query -> canOffload(query.connection());
                case OffloadOperation.Add add -> connAdd(add.connection());
                case OffloadOperation.Established established ->
                    new OffloadResult.Covered(connEstablished(established.connection(), established.replyIngress()));
                case OffloadOperation.Changed changed -> {
                    connChanged(changed.connection(), changed.changes());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Update update -> new OffloadResult.LastUsed(connUpdate(update.connection()));
                case OffloadOperation.Delete delete -> {
                    connDel(delete.connection(), delete.reason());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.PathPut put -> pathPut(put.connection(), put.path());
                case OffloadOperation.PathDel del -> pathDel(del.connection(), del.path(), del.reason());
                case OffloadOperation.PathStats stats -> pathStats(stats.connection(), stats.path());
                case OffloadOperation.Flush flush ->
                    connFlush(flush.reason()) ? OffloadResult.DONE : OffloadResult.ONE_BY_ONE;
            };
        } catch (Throwable e) { // the other operations of the batch go on, whatever this one met
            return new OffloadResult.Failed(e.toString(), e);
        }
    }

    /**
     * Lines about the provider's inside for {@code conntrack/offload-show}: device, table fill, what it recorded.
     *
     * <p>When: any time, on any thread, also before {@code init}. A throw shows as such. Must be quick and without
     * effects.
     */
    default List<String> describe() {
        return List.of();
    }
}
