package io.turnstile.offload;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Stands between who sums up walks and the book: paths by ports that are to be left alone do not come to it, and what
 * was offered and refused is counted, by reason.
 *
 * <p>Threads: any. {@link #wants} and {@link #claim} only pass on, as the packet path needs it.
 */
public final class PathGate implements PathBook {
    /** Beyond so many distinct reasons they are counted together: a fault must not fill the memory. */
    private static final int MOST_REASONS = 100;

    private static final String OTHER_REASONS = "other";
    private static final PathHandle NEVER_CARRIED = new NeverCarried();

    private final PathBook book;
    private final LongAdder offered = new LongAdder();
    private final Map<String, LongAdder> refusals = new ConcurrentHashMap<>();
    /** {@link PortRef#name()} of each. */
    private volatile Set<String> leftAlone = Set.of();

    private record NeverCarried() implements PathHandle {
        @Override
        public void withdraw(PathEnd reason) {}

        @Override
        public boolean isOver() {
            return true;
        }
    }

    public PathGate(PathBook book) {
        this.book = book;
    }

    /**
     * Ports by which nothing is to be carried from now on ({@code options:offload-attach=none}), by their names. What
     * is carried already stays: whoever changes the setting of a port says so here, and then opens it anew, so that
     * nothing is offered by the new one before it is to be left alone.
     */
    public void leaveAlone(Set<String> ports) {
        leftAlone = Set.copyOf(ports);
    }

    /** Paths that were offered so far. */
    public long offered() {
        return offered.sum();
    }

    /** How often a direction got no path, by reason. */
    public Map<String, Long> refusals() {
        Map<String, Long> counts = new TreeMap<>();
        refusals.forEach((reason, count) -> counts.put(reason, count.sum()));
        return counts;
    }

    @Override
    public boolean isAsked() {
        return book.isAsked();
    }

    @Override
    public boolean wants(long connectionId, boolean reply) {
        return book.wants(connectionId, reply);
    }

    @Override
    public boolean claim(long connectionId, boolean reply) {
        return book.claim(connectionId, reply);
    }

    @Override
    public PathHandle offer(PathOffer offer) {
        PortRef excluded = excluded(offer);
        if (excluded == null) {
            offered.increment();
            return book.offer(offer);
        }
        refuse(offer.connectionId(), offer.direction(), "offload-attach=none of " + excluded.name(), false);
        offer.user().ended();
        return NEVER_CARRIED;
    }

    private @Nullable PortRef excluded(PathOffer offer) {
        Set<String> present = leftAlone;
        if (present.contains(offer.ingress().name())) {
            return offer.ingress();
        }
        return present.contains(offer.egress().name()) ? offer.egress() : null;
    }

    @Override
    public void refuse(long connectionId, Direction direction, String reason, boolean again) {
        LongAdder count = refusals.get(reason);
        if (count == null) {
            String counted = refusals.size() < MOST_REASONS ? reason : OTHER_REASONS;
            count = refusals.computeIfAbsent(counted, key -> new LongAdder());
        }
        count.increment();
        book.refuse(connectionId, direction, reason, again);
    }

    @Override
    public void waysChanged() {
        book.waysChanged();
    }

    @Override
    public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
        return book.awaitOver(paths, timeoutNs);
    }

    @Override
    public List<DirectionState> states(long connectionId) {
        return book.states(connectionId);
    }

    @Override
    public Totals totals() {
        return book.totals();
    }
}
