package io.turnstile.path;

import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.path.Composition.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * All paths that go one way. What they have in common stands here once; the paths themselves are a list through them,
 * so that one of millions takes no more than its links.
 *
 * <p>Threads: any; its own lock, under which nothing is called, guards the list and the links.
 */
final class PathGroup {

    /**
     * A way through the switch.
     *
     * @param steps the flows met, one a round
     */
    record Way(PortRef ingress, PortRef egress, List<HeaderBits> guard, List<HeaderBits> rewrites, List<Step> steps) {

        boolean usesPort(long portId) {
            return ingress.id() == portId || egress.id() == portId;
        }

        boolean hasLiveFlows() {
            for (Step step : steps) {
                if (step.flow().isDead()) {
                    return false;
                }
            }
            return true;
        }
    }

    final Way way;
    /** How many paths there are in all groups. */
    private final AtomicInteger kept;

    private @Nullable KeptPath first;
    private boolean closed;

    /** @param kept counts the paths of all groups */
    PathGroup(Way way, AtomicInteger kept) {
        this.way = way;
        this.kept = kept;
    }

    /** Adds a path; false if the last one has gone and this is not to be used any more. */
    synchronized boolean add(KeptPath path) {
        if (closed) {
            return false;
        }
        KeptPath second = first;
        path.link(this, second);
        if (second != null) {
            second.previous = path;
        }
        first = path;
        kept.incrementAndGet();
        return true;
    }

    /** Takes a path out, if it is in; true if it was the last one: this is not to be used any more. */
    synchronized boolean remove(KeptPath path) {
        if (!path.isIn(this)) {
            return false;
        }
        KeptPath before = path.previous;
        KeptPath after = path.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after != null) {
            after.previous = before;
        }
        path.unlink();
        kept.decrementAndGet();
        closed = first == null;
        return closed;
    }

    /** Those that are in it now. */
    synchronized List<KeptPath> paths() {
        List<KeptPath> all = new ArrayList<>();
        for (KeptPath path = first; path != null; path = path.next) {
            all.add(path);
        }
        return all;
    }
}
