package io.turnstile.offload.spi;

import java.util.ArrayList;
import java.util.List;

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
     * Makes the provider ready: opens devices, allocates tables.
     *
     * <p>When: each time the provider comes up, before any other callback: hw-offload turned on, the provider chosen,
     * its jar found, or a new try after its breaker opened. May be called again after {@link #close}. Thread: one of
     * the provider's own; the others are not started yet. A throw means that it is not up: {@code close} is not called,
     * the message is shown as "init failed: …", and it is tried again later.
     */
    default void init(ProviderContext context) throws Exception {}

    /**
     * Gives back what {@link #init} took.
     *
     * <p>When: once for each {@code init} that returned, after {@code connDel} for every connection held or a
     * {@link #connFlush} that said true; no callback follows but {@code init}. Thread: the last of the provider's own.
     * A throw is logged; the provider counts as closed.
     */
    @Override
    default void close() throws Exception {}

    /**
     * Would the provider take this connection?
     *
     * <p>When: once per connection and {@code init} (but see "port excluded" in the package description), right before
     * its {@link #connAdd}. The reply ingress port is absent unless the connection is older than the provider or its
     * reply came quickly. Must not have effects: {@code connAdd} need not follow an accept (the connection may be
     * gone). A throw: failed, {@code connAdd} does not follow.
     */
    default Verdict canOffload(ConnView connection) {
        return Verdict.accept();
    }

    /**
     * A connection was committed and the provider said that it takes it. From the moment this returns the provider
     * <em>holds</em> the connection, and {@link #connDel} will follow exactly once.
     *
     * <p>When: once per connection and {@code init} (but see "port excluded" in the package description), after
     * {@link #canOffload} accepted. Only the original direction's ingress port is sure to be known. A throw means that
     * the provider holds nothing: it cleans up before it throws, no other callback follows for this connection. Need
     * not be idempotent.
     */
    void connAdd(ConnView connection);

    /**
     * A packet of the reply direction reached a connection that this provider holds.
     *
     * <p>When: after {@code connAdd} and before {@code connDel}; again on a later reply packet (or before the next
     * {@code connUpdate}, whichever is first) until it returns true, then never again. Skipped if the connection is
     * removed before the provider could be told. A throw: {@code connDel(PROVIDER_FAILED)} follows at once. Must bear
     * repetition after false.
     *
     * @param replyIngress port by which the first reply came in; equals the original ingress port on a hairpin
     * @return true once the offload covers both directions; false to be asked again
     */
    boolean connEstablished(ConnView connection, PortRef replyIngress);

    /**
     * When was this connection last used, as far as the provider knows?
     *
     * <p>When: any number of times between {@code connAdd} and {@code connDel}, a while before the connection's
     * deadline. The latest answer of all providers that hold the connection counts, and only ever extends the deadline.
     * An answer in the future is taken as "now". A throw: {@code connDel(PROVIDER_FAILED)} follows at once. Must be
     * idempotent.
     *
     * @return ms since the epoch on the scale of {@link ProviderContext#wallMs()}; 0: unknown, software's own timer
     *     decides
     */
    long connUpdate(ConnView connection);

    /**
     * Let go of the connection: from the moment this returns no packet of it may be carried by the provider.
     *
     * <p>When: exactly once for each {@code connAdd} that returned, as the last callback of this connection. A throw is
     * counted and logged; the provider is taken to hold the connection no longer.
     */
    void connDel(ConnView connection, DelReason reason);

    /**
     * Let go of every connection at once, if the provider has a way to do so that is cheaper than one by one.
     *
     * <p>When: at most once, before {@link #close}, while no other callback is under way; the dispatcher is about to
     * take all connections away. A throw is counted and means false.
     *
     * @return true: nothing is held any more and no {@link #connDel} follows; false: connDel follows for each one held
     */
    default boolean connFlush(DelReason reason) {
        return false;
    }

    /**
     * The bulk interface, through which everything above but {@code init} and {@code close} comes: operations of mixed
     * kinds on many connections, at most one for each connection. They may be carried out in any order or together.
     *
     * <p>The default calls the single callbacks one by one, so that a provider implements either side. A throw out of
     * here, a list of the wrong length, a null, or a result that does not fit its operation is {@code failed} for the
     * operations concerned.
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
                case OffloadOperation.Add add -> {
                    connAdd(add.connection());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Established established ->
                    new OffloadResult.Covered(connEstablished(established.connection(), established.replyIngress()));
                case OffloadOperation.Update update -> new OffloadResult.LastUsed(connUpdate(update.connection()));
                case OffloadOperation.Delete delete -> {
                    connDel(delete.connection(), delete.reason());
                    yield OffloadResult.DONE;
                }
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
