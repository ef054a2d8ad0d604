package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.PathUser;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.path.Composition.Composed;
import io.turnstile.path.Composition.Member;
import io.turnstile.path.Composition.Step;
import org.jspecify.annotations.Nullable;

/**
 * A path on its life from before it is offered until nobody carries it any more.
 *
 * <p>Threads: any. Its own lock orders the offer and the withdrawal: a withdrawal either prevents the offer or finds
 * its handle. What the book calls takes no lock.
 */
final class KeptPath implements PathUser {
    private final PathKeeper keeper;
    private final Composed path;
    private final PortRef ingress;
    private final PortRef egress;

    private boolean withdrawn; // guarded by this
    private volatile @Nullable PathHandle handle; // written once, under this
    private volatile boolean over;

    KeptPath(PathKeeper keeper, Composed path, PortRef ingress, PortRef egress) {
        this.keeper = keeper;
        this.path = path;
        this.ingress = ingress;
        this.egress = egress;
    }

    Composed path() {
        return path;
    }

    boolean usesPort(long portId) {
        return ingress.id() == portId || egress.id() == portId;
    }

    boolean hasLiveFlows() {
        for (Step step : path.steps()) {
            if (step.flow().isDead()) {
                return false;
            }
        }
        return true;
    }

    boolean hasItsPorts() {
        return keeper.port(path.ingress()).id() == ingress.id()
                && keeper.port(path.egress()).id() == egress.id();
    }

    /** Offers the path, unless it was withdrawn before; returns whether it did. */
    synchronized boolean offerTo(PathBook book) {
        if (withdrawn) {
            return false;
        }
        handle = book.offer(new PathOffer(
                path.members().stream().map(Member::connectionId).toList(),
                path.direction(),
                ingress,
                path.arriving(),
                path.guard(),
                egress,
                path.leaving(),
                path.rewrites(),
                this));
        return true;
    }

    /** Takes the path back; {@link PathKeeper#awaitGone} waits for it from now on, if it was ever offered. */
    synchronized void withdraw(PathEnd reason) {
        if (withdrawn) {
            return;
        }
        withdrawn = true;
        PathHandle offered = handle;
        if (offered != null && !over) {
            keeper.isEnding(this);
            offered.withdraw(reason);
        }
    }

    /** What the book knows the path by; null if it was never offered. */
    @Nullable
    PathHandle handle() {
        return handle;
    }

    boolean isOver() {
        return over;
    }

    // ---- what the book asks and tells ----

    @Override
    public boolean isCurrent() {
        return hasLiveFlows() && hasItsPorts() && hasItsConnections();
    }

    private boolean hasItsConnections() {
        ConnectionSnapshot connection = new ConnectionSnapshot();
        for (Member member : path.members()) {
            if (!keeper.read(member.connectionId(), connection) || !member.holds(connection)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void carried(long packets, long bytes, long lastUsedNs) {
        for (Step step : path.steps()) {
            DatapathFlow flow = step.flow();
            keeper.count(flow, packets, bytes + packets * step.extraBytes(), lastUsedNs);
        }
    }

    @Override
    public void ended() {
        over = true;
        keeper.isOver(this);
    }
}
