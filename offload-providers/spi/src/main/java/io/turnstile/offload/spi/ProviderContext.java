package io.turnstile.offload.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a provider may use of the switch between {@code init} and {@code close}. After that nothing it says about
 * connections has any effect; {@link #logger}, {@link #counter} and {@link #gauge} still have theirs.
 *
 * <p>Threads: any, those of the provider's own included. Nothing here waits, throws for a connection that is gone, or
 * calls back on the calling thread.
 */
public interface ProviderContext {

    /** The switch's wall clock, ms since the epoch: the scale of {@link OffloadProvider#connUpdate}'s answers. */
    long wallMs();

    /** How many threads at most call this provider at once (each for other connections). */
    int threads();

    /**
     * A connection that the provider holds was used: what {@link OffloadProvider#connUpdate} would answer, told without
     * being asked. For a device that reads its counters in one sweep.
     *
     * <p>Of a connection that it does not hold nothing counts. It holds it until {@code connDel} has returned.
     *
     * @param epochMs when its last packet was carried, ms since the epoch; 0: unknown
     * @param packets carried since the provider told last; -1: unknown
     * @param bytes of those packets, Ethernet header to the end of the payload; -1: unknown
     */
    default void used(long connectionId, long epochMs, long packets, long bytes) {}

    /**
     * The device has lost a connection that the provider holds (evicted it, ran out of something). Software goes on
     * with it; {@code connDel(LOST)} follows, and later it is offered again as one that was answered
     * {@link Verdict#later}.
     *
     * @param reason for people, as in {@link Verdict.Decline#reason()}
     */
    default void lost(long connectionId, String reason) {}

    /**
     * A path that the provider carries was used: what {@link OffloadProvider#pathStats} would answer, told without
     * being asked. Each packet is told once; of a path that it does not carry nothing counts.
     *
     * @param epochMs as in {@link OffloadResult.Carried}
     * @param packets as in {@link OffloadResult.Carried}
     * @param bytes as in {@link OffloadResult.Carried}
     */
    default void pathUsed(long pathId, long epochMs, long packets, long bytes) {}

    /**
     * The device has lost a path that the provider carries. Software goes on with its packets; {@code pathDel(LOST)}
     * follows, and later the direction is offered again.
     *
     * @param reason for people, as in {@link Verdict.Decline#reason()}
     */
    default void pathLost(long pathId, String reason) {}

    /**
     * Has a BPF program of the kind {@code SOCKET_FILTER} decide which of the frames that come in by the port software
     * gets to see: frames for which it returns 0 it does not. For providers that carry in the kernel, where software's
     * sockets are told of a frame before anything else is.
     *
     * <p>Each socket that the switch reads the port by has at most one such program; it stays until
     * {@link #stopFiltering}, until the provider is closed, or the port goes. Threads: any; makes system calls.
     *
     * @param portId {@link PortRef#id()}
     * @param programFd descriptor of the loaded program, in this process; may be closed afterwards
     * @return null if the port is filtered now, else why not, for people: it has gone, it is read otherwise than by
     *     sockets, another provider filters it, or the kernel's error
     */
    default @Nullable String filterReceived(long portId, int programFd) {
        return "not supported here";
    }

    /** Takes the program of {@link #filterReceived} from the port's sockets; nothing happens if there is none. */
    default void stopFiltering(long portId) {}

    /**
     * What the operator says of a port to whoever carries: of the Interface's {@code options:offload-attach=xdp} it has
     * {@code attach} with {@code xdp}. As it is now; empty if there is nothing, or no such port. May change while the
     * port lives, without a call that says so.
     *
     * @param portId {@link PortRef#id()}
     */
    default Map<String, String> portOptions(long portId) {
        return Map.of();
    }

    /**
     * There is room again: connections that were answered {@link Verdict#later} are offered anew, and not only after
     * the pause that the switch makes by itself.
     */
    default void room() {}

    /**
     * The provider's own part of {@code Open_vSwitch:other_config}: of {@code offload-NAME-queue-depth=64} it has
     * {@code queue-depth} with {@code 64}. As it is now; {@link OffloadProvider#settingsChanged} tells of changes.
     */
    default Map<String, String> settings() {
        return Map.of();
    }

    /** Writes to the switch's log under the provider's name. Lines are cut at some hundred characters. */
    default System.Logger logger() {
        return System.getLogger(ProviderContext.class.getName());
    }

    /**
     * A number of the provider's own, shown by {@code conntrack/offload-show} and among the metrics. Asking again for
     * the same name gives the same; it goes on counting over {@code close} and {@code init}.
     *
     * @param name lower case letters, digits and {@code _}, a letter first, at most 64 characters; at most 64 counters
     *     and gauges a provider. What is more, or has another name, can be used and is not shown
     * @param description a few words for people; the first one given stays
     */
    default Counter counter(String name, String description) {
        return count -> {};
    }

    /** As {@link #counter}, for what goes up and down. */
    default Gauge gauge(String name, String description) {
        return value -> {};
    }
}
