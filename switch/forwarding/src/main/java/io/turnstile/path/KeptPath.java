package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.offload.PathBook;
import io.turnstile.offload.PathHandle;
import io.turnstile.offload.PathOffer;
import io.turnstile.offload.PathUser;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.path.Composition.Member;
import io.turnstile.path.Composition.Step;
import io.turnstile.path.PathGroup.Way;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A path on its life from before it is offered until nobody carries it any more. There may be millions: what it shares
 * with others stands in their {@link PathGroup.Way}.
 *
 * <p>Threads: any. Its own lock orders the offer and the withdrawal: a withdrawal either prevents the offer or finds
 * its handle. What the book calls takes no lock.
 */
final class KeptPath implements PathUser {
    private final PathKeeper keeper;
    private final Way way;
    /** The connections met, in order; the first is the one whose path this is. */
    private final Member[] members;

    // The group that it stands in, and its links there: guarded by the group.
    private volatile @Nullable PathGroup group;

    @Nullable
    KeptPath next;

    @Nullable
    KeptPath previous;

    private boolean withdrawn; // guarded by this
    private volatile @Nullable PathHandle handle; // written once, under this
    private volatile boolean over;

    KeptPath(PathKeeper keeper, Way way, List<Member> members) {
        this.keeper = keeper;
        this.way = way;
        this.members = members.toArray(Member[]::new);
    }

    Way way() {
        return way;
    }

    long connectionId() {
        return members[0].connectionId();
    }

    // ---- its place in a group; for the group, under its lock, unless said otherwise ----

    /** @param behind comes next in the list */
    void link(PathGroup its, @Nullable KeptPath behind) {
        group = its;
        next = behind;
        previous = null;
    }

    void unlink() {
        group = null;
        next = null;
        previous = null;
    }

    boolean isIn(PathGroup other) {
        return group == other;
    }

    /** Null before it was put down, and once it is struck out. Threads: any. */
    @Nullable
    PathGroup group() {
        return group;
    }

    boolean hasItsPorts() {
        return keeper.port(way.ingress().number()).id() == way.ingress().id()
                && keeper.port(way.egress().number()).id() == way.egress().id();
    }

    /** Offers the path, unless it was withdrawn before; returns whether it did. */
    synchronized boolean offerTo(PathBook book, TupleView arriving, TupleView leaving) {
        if (withdrawn) {
            return false;
        }
        handle = book.offer(new PathOffer(
                connectionIds(),
                members[0].direction(),
                way.ingress(),
                arriving,
                way.guard(),
                way.egress(),
                leaving,
                way.rewrites(),
                this));
        return true;
    }

    private List<Long> connectionIds() {
        return members.length == 1
                ? List.of(members[0].connectionId())
                : Arrays.stream(members).map(Member::connectionId).toList();
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
        return way.hasLiveFlows() && hasItsPorts() && hasItsConnections();
    }

    private boolean hasItsConnections() {
        ConnectionSnapshot connection = new ConnectionSnapshot();
        for (Member member : members) {
            if (!keeper.read(member.connectionId(), connection) || !member.holds(connection)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void carried(long packets, long bytes, long lastUsedNs) {
        for (Step step : way.steps()) {
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
