package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.TcpState;
import io.turnstile.offload.DirectionTable.Standing;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.PathEnd;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The dispatcher's book of paths. A path goes from lane to lane, in the order in which they are listed, among those
 * that carry and hold its connection for both directions; each has a {@link PathTurn}, whose operations the
 * connection's own shard makes. From before the first offer until the path is over, every connection of the walk is
 * held at the tracker.
 *
 * <p>What always holds: at most one provider carries a direction; put and del alternate; every path that was offered is
 * told once that it has ended, whatever became of the provider.
 *
 * <p>Threads: any. What says so is called by forwarding threads and takes no lock, allocates nothing.
 */
final class CarriedPaths implements PathBook {
    private static final long ROUND_NS = TimeUnit.SECONDS.toNanos(1);
    /** Lanes whose declines are remembered one by one; by their names, which are few. */
    private static final int LANE_BITS = 16;

    private static final String TCP_CLOSING = "tcp is closing";
    private static final String CONNECTION_LEFT = "a connection of it has left";
    private static final String NOT_FORWARDED_SO = "packets go another way by now";

    private final DispatcherContext context;
    private final DirectionTable table = new DirectionTable();
    private final ReasonTable reasons = new ReasonTable();
    private final Map<String, Integer> laneBits = new ConcurrentHashMap<>();
    private final PathIds ids = new PathIds(0);
    private final AtomicInteger carriers = new AtomicInteger();
    private final AtomicLong carrying = new AtomicLong();
    private final LongAdder packets = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private volatile Lane[] lanes = {};
    /** Some direction waits, or may. */
    private volatile boolean someWait;

    private volatile boolean roomSaid;
    /** Counts {@link #waysChanged}; each direction remembers it from before its walk was looked at. */
    private final AtomicInteger ways = new AtomicInteger();

    private long rounds; // by who ticks
    private long roundNs; // by who ticks

    CarriedPaths(DispatcherContext context) {
        this.context = context;
        roundNs = context.clock().nowNs();
    }

    /** The lanes in their order are these now. */
    void setLanes(Lane[] present) {
        lanes = present;
    }

    // ---- sessions of providers that carry ----

    /** A provider that carries is up. */
    void begin() {
        carriers.incrementAndGet();
    }

    /** It is not any more, and {@link #endAll} was called. */
    void end() {
        carriers.decrementAndGet();
    }

    /** The provider has let go of everything, or was given up: paths that are at it are over. */
    List<PathTurn> endAll(OffloadSession session) {
        List<PathTurn> ended = new ArrayList<>();
        table.forEachPath(path -> {
            PathTurn turn = path.turn();
            if (turn != null && turn.session == session) {
                if (turn.mayCarry()) {
                    ended.add(turn);
                }
                turn.leave(PathEnd.CONNECTION_LEAVES);
                over(path);
            }
        });
        return ended;
    }

    int bitOf(Lane lane) {
        int index = laneBits.computeIfAbsent(lane.name(), name -> laneBits.size());
        return index < LANE_BITS ? 1 << index : 0;
    }

    /** The lane, which carries, has been told by its provider that it covers both directions of the connection. */
    void want(long connectionId, OffloadSession session, boolean isClosing) {
        table.want(connectionId, bitOf(session.lane), isClosing);
    }

    /** The lane, which carries, does not have the connection any more. */
    void left(long connectionId, OffloadSession session) {
        if (!hasCarrier(connectionId, session)) {
            table.unwant(connectionId);
            wantIfUnasked(connectionId, null, session); // by who has come to hold it just now
        }
    }

    /** A lane that has not been asked may have come to hold the connection while its direction stood otherwise. */
    private void wantIfUnasked(long connectionId, @Nullable CarriedPath path, @Nullable OffloadSession except) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null
                    && session != except
                    && session.isCarrierOf(connectionId)
                    && (path == null || !path.wasAt(lane))) {
                table.want(connectionId, bitOf(lane), false);
            }
        }
    }

    private boolean hasCarrier(long connectionId, @Nullable OffloadSession except) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (session != null && session != except && session.isCarrierOf(connectionId)) {
                return true;
            }
        }
        return false;
    }

    /** The path that this session has, or is offered, of a direction; null if there is none. */
    @Nullable
    PathTurn turnOf(long connectionId, boolean reply, OffloadSession session) {
        for (CarriedPath path : table.pathsOf(connectionId)) {
            PathTurn turn = path.turn();
            if (path.connectionId() == connectionId
                    && path.isReply() == reply
                    && turn != null
                    && turn.session == session) {
                return turn;
            }
        }
        return null;
    }

    // ---- what is wanted: forwarding threads ----

    @Override
    public boolean isAsked() {
        return carriers.get() != 0;
    }

    @Override
    public boolean wants(long connectionId, boolean reply) {
        if (!isAsked()) {
            return false;
        }
        if (table.isWanted(connectionId, reply)) {
            return true;
        }
        if (table.reconsider(connectionId, reply, ways.get())) {
            someWait = true;
        }
        return false;
    }

    @Override
    public boolean claim(long connectionId, boolean reply) {
        if (!table.move(connectionId, reply, Standing.WANTED, Standing.CLAIMED)) {
            return false;
        }
        table.noteWays(connectionId, reply, ways.get());
        return true;
    }

    @Override
    public void refuse(long connectionId, Direction direction, String reason, boolean again) {
        boolean reply = DirectionTable.isReply(direction);
        table.setReason(connectionId, reply, reasons.index(reason));
        Standing refused = again ? Standing.WAITING : Standing.REFUSED;
        table.settle(connectionId, reply, Standing.CLAIMED, refused, false);
        if (again) {
            someWait = true;
        }
    }

    @Override
    public void waysChanged() {
        ways.incrementAndGet();
    }

    // ---- news of connections: forwarding threads ----

    /** A connection that is held has changed. */
    void onChanged(long connectionId, int changes) {
        if (!isAsked()) {
            return;
        }
        boolean isClosing = (changes & ConnectionListener.TCP_CHANGED) != 0;
        table.onChanged(connectionId, isClosing);
        int otherwise = ConnectionListener.PORT_CHANGED;
        endPathsOf(connectionId, changes == otherwise ? PathEnd.GUARD_FAILED : PathEnd.CONNECTION_CHANGED);
    }

    /** The connection has left the tracker's table. */
    void onRemoved(long connectionId) {
        if (!isAsked()) {
            return;
        }
        table.onRemoved(connectionId);
        endPathsOf(connectionId, PathEnd.CONNECTION_LEAVES);
    }

    private void endPathsOf(long connectionId, PathEnd why) {
        for (CarriedPath path : table.pathsOf(connectionId)) {
            if (path.involves(connectionId)) {
                boolean isOwner = path.connectionId() == connectionId;
                end(path, why == PathEnd.CONNECTION_LEAVES && !isOwner ? PathEnd.CONNECTION_CHANGED : why);
            }
        }
    }

    /** Who carries packets of the connection is asked for their use; returns whether anybody is. */
    boolean onDeadline(long connectionId) {
        if (!isAsked()) {
            return false;
        }
        boolean asked = false;
        for (CarriedPath path : table.pathsOf(connectionId)) {
            PathTurn turn = path.turn();
            asked |= turn != null && path.involves(connectionId) && turn.ask();
        }
        return asked;
    }

    /** Somebody who carries packets of the connection has yet to tell of their use. */
    boolean isAwaited(long connectionId) {
        if (!isAsked()) {
            return false;
        }
        for (CarriedPath path : table.pathsOf(connectionId)) {
            PathTurn turn = path.turn();
            if (turn != null && path.involves(connectionId) && turn.mayTell()) {
                return true;
            }
        }
        return false;
    }

    /** Has the path end, by the lane that has it: returns at once. */
    private static boolean end(CarriedPath path, PathEnd why) {
        if (!path.end(why)) {
            return false;
        }
        PathTurn turn = path.turn(); // who gives it another after this finds that it is to end
        if (turn != null) {
            turn.session.pathEnds(turn);
        }
        return true;
    }

    // ---- a path's way ----

    @Override
    public PathHandle offer(PathOffer offer) {
        CarriedPath path = new CarriedPath(this, offer, ids.next(offer.connectionId()));
        boolean isWanted = table.move(path.connectionId(), path.isReply(), Standing.CLAIMED, Standing.ACTIVE);
        for (int i = 0; i < path.connectionCount(); i++) {
            table.addPath(path.connection(i), path);
        }
        int held = 0;
        while (isWanted && held < path.connectionCount() && hold(path.connection(held))) {
            held++;
        }
        path.setHeld(held, isWanted);
        if (!isWanted || held < path.connectionCount()) {
            path.noteLater(CONNECTION_LEFT);
            over(path);
        } else if (isClosing(path)) {
            path.end(PathEnd.CONNECTION_CHANGED);
            over(path);
        } else if (!path.isCurrent()) {
            path.noteLater(NOT_FORWARDED_SO);
            path.end(PathEnd.RULES_CHANGED);
            over(path);
        } else {
            moveOn(path);
        }
        return path;
    }

    private boolean hold(long connectionId) {
        return context.tracker().hold(connectionId);
    }

    /** Whether TCP had begun to close one of its connections before it was held. */
    private boolean isClosing(CarriedPath path) {
        ConnectionSnapshot snapshot = new ConnectionSnapshot();
        long nowNs = context.clock().nowNs();
        for (int i = 0; i < path.connectionCount(); i++) {
            if (context.tracker().read(path.connection(i), snapshot, nowNs)
                    && (isClosing(snapshot.originalTcpState) || isClosing(snapshot.replyTcpState))) {
                table.onChanged(path.connectionId(), true);
                return true;
            }
        }
        return false;
    }

    static boolean isClosing(@Nullable TcpState state) {
        return state != null && state.compareTo(TcpState.ESTABLISHED) > 0;
    }

    /** The path goes to the next lane that may carry it; with none it is over. */
    void moveOn(CarriedPath path) {
        while (true) {
            PathTurn next = nextTurn(path);
            if (next == null) {
                over(path);
                return;
            }
            next.session.pathNews(next);
            if (!next.session.arePathsOver() || !next.endUntold()) {
                return;
            }
        }
    }

    private @Nullable PathTurn nextTurn(CarriedPath path) {
        for (Lane lane : lanes) {
            OffloadSession session = lane.session();
            if (!path.isEnding()
                    && session != null
                    && session.isCarrierOf(path.connectionId())
                    && !table.hasDeclined(path.connectionId(), path.isReply(), bitOf(lane))
                    && path.goTo(lane)) {
                PathTurn turn = new PathTurn(path, session);
                path.setTurn(turn);
                return turn;
            }
        }
        return null;
    }

    void accepted(CarriedPath path) {
        if (path.beginCount()) {
            carrying.incrementAndGet();
        }
        table.settle(path.connectionId(), path.isReply(), Standing.ACTIVE, Standing.ACTIVE, true);
    }

    void declined(PathTurn turn, String reason) {
        CarriedPath path = turn.path;
        table.noteDecline(path.connectionId(), path.isReply(), bitOf(turn.session.lane));
        path.noteReason(reason);
        moveOn(path);
    }

    void withdraw(CarriedPath path, PathEnd why) {
        if (end(path, why)) {
            PathTurn turn = path.turn();
            if (turn != null && turn.endUntold()) {
                over(path);
            }
        }
    }

    /** Nobody carries the path, and nobody will: comes to the same however often it is said. */
    private void over(CarriedPath path) {
        if (!path.close()) {
            return;
        }
        PathTurn last = path.turn();
        path.tellEnded();
        if (path.endCount()) {
            carrying.decrementAndGet();
        }
        for (int i = 0; i < path.connectionCount(); i++) {
            if (i < path.held()) {
                context.tracker().unhold(path.connection(i), null);
            }
            table.removePath(path.connection(i), path);
        }
        if (path.isActive()) {
            settle(path, last != null && last.connectionLeaves() ? last.session : null);
        }
        path.setOver();
    }

    /** How the direction stands after the path. */
    private void settle(CarriedPath path, @Nullable OffloadSession leaving) {
        long connectionId = path.connectionId();
        boolean reply = path.isReply();
        PathEnd end = path.end();
        boolean waits = end == null && path.isLater() || end == PathEnd.LOST || end == PathEnd.PROVIDER_FAILED;
        Standing next;
        if (!hasCarrier(connectionId, leaving)) {
            next = Standing.NONE;
        } else if (waits) {
            next = Standing.WAITING;
            someWait = true;
        } else if (end == null && !(path.hasNeverBeenOffered() && !table.hasDeclined(connectionId, reply, -1))) {
            next = Standing.REFUSED; // for the reason that it was refused for before, if all declined before
        } else {
            next = Standing.WANTED;
            if (end != null && end != PathEnd.CONNECTION_LEAVES) {
                table.forgetDeclines(connectionId, reply);
            }
        }
        if (next != Standing.REFUSED || !path.reason().isEmpty()) {
            table.setReason(connectionId, reply, path.reason().isEmpty() ? 0 : reasons.index(path.reason()));
        }
        table.settle(connectionId, reply, Standing.ACTIVE, next, false);
        if (next == Standing.NONE || next == Standing.REFUSED) {
            wantIfUnasked(connectionId, path, leaving);
        }
    }

    // ---- what providers say ----

    /** Packets were carried, says the provider that has this turn. */
    void used(PathTurn turn, long epochMs, long morePackets, long moreBytes) {
        if (epochMs == 0 && morePackets <= 0 && moreBytes <= 0) {
            return;
        }
        CarriedPath path = turn.path;
        long lastUsedNs =
                epochMs == 0 ? context.clock().nowNs() : context.lastUse().toMonotonicNs(epochMs);
        if (path.tellCarried(Math.max(0, morePackets), Math.max(0, moreBytes), lastUsedNs)) {
            turn.session.lane.metrics.carried(morePackets, moreBytes);
            packets.add(Math.max(0, morePackets));
            bytes.add(Math.max(0, moreBytes));
            for (int i = 0; i < path.connectionCount(); i++) {
                context.tracker().extend(path.connection(i), lastUsedNs);
            }
        }
    }

    void onUsed(OffloadSession session, long pathId, long epochMs, long morePackets, long moreBytes) {
        PathTurn turn = turnAt(session, pathId);
        if (turn != null && turn.mayCarry()) {
            used(turn, epochMs, morePackets, moreBytes);
        }
    }

    void onLost(OffloadSession session, long pathId, String reason) {
        PathTurn turn = turnAt(session, pathId);
        if (turn != null && turn.mayCarry()) {
            turn.path.noteReason(ProviderText.reason(reason));
            end(turn.path, PathEnd.LOST);
        }
    }

    private @Nullable PathTurn turnAt(OffloadSession session, long pathId) {
        for (CarriedPath path : table.pathsOf(pathId)) {
            PathTurn turn = path.turn();
            if (path.path.id() == pathId && turn != null && turn.session == session) {
                return turn;
            }
        }
        return null;
    }

    /** A provider has room again. */
    void room() {
        roomSaid = true;
    }

    /** Directions that have waited long enough, or for room, are wanted again. Threads: one at a time. */
    void tick(long nowNs) {
        boolean room = roomSaid;
        if (!someWait) {
            roundNs = nowNs; // what waits next waits for a whole pause
            return;
        }
        if (!room && nowNs - roundNs < ROUND_NS) {
            return;
        }
        roomSaid = false;
        someWait = false;
        roundNs = nowNs;
        rounds++;
        if (table.wakeWaiting(rounds, room)) {
            someWait = true;
        }
    }

    /** Whoever has offered a path has failed. */
    void record(RuntimeException failure) {
        context.causes().record("path", FailureText.of(failure), context.clock().wallMs());
    }

    // ---- waiting ----

    @Override
    public boolean awaitOver(Collection<? extends PathHandle> paths, long timeoutNs) {
        if (!context.isThreaded()) {
            return areOverAfterSteps(paths);
        }
        long startNs = System.nanoTime(); // real time: it is threads that are waited for
        try {
            for (PathHandle path : paths) {
                if (!path.isOver() && !((CarriedPath) path).awaitOver(timeoutNs - (System.nanoTime() - startNs))) {
                    return false;
                }
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Without threads nobody else gives anything back. */
    private boolean areOverAfterSteps(Collection<? extends PathHandle> paths) {
        boolean busy = true;
        while (busy && !areOver(paths)) {
            busy = false;
            for (Lane lane : lanes) {
                busy |= lane.stepPaths();
            }
        }
        return areOver(paths);
    }

    private static boolean areOver(Collection<? extends PathHandle> paths) {
        for (PathHandle path : paths) {
            if (!path.isOver()) {
                return false;
            }
        }
        return true;
    }

    // ---- looking ----

    @Override
    public List<DirectionState> states(long connectionId) {
        DirectionState original = state(connectionId, Direction.ORIGINAL);
        DirectionState reply = state(connectionId, Direction.REPLY);
        boolean isNobodys = table.standing(connectionId, false) == Standing.NONE
                && table.standing(connectionId, true) == Standing.NONE;
        return isNobodys ? List.of() : List.of(original, reply);
    }

    private DirectionState state(long connectionId, Direction direction) {
        boolean reply = DirectionTable.isReply(direction);
        for (CarriedPath path : table.pathsOf(connectionId)) {
            if (path.connectionId() == connectionId && path.isReply() == reply && !path.isClosed()) {
                return state(path);
            }
        }
        if (table.isClosing(connectionId)) {
            return new DirectionState(direction, "not carried", "", TCP_CLOSING, "");
        }
        String text = reasons.text(table.reason(connectionId, reply));
        String reason = text == null ? "" : text;
        return switch (table.standing(connectionId, reply)) {
            case WANTED, CLAIMED -> new DirectionState(direction, "wanted", "", reason, "");
            case ACTIVE -> new DirectionState(direction, "offered", "", "", "");
            case NONE -> new DirectionState(direction, "not carried", "", "", "");
            case WAITING, REFUSED -> new DirectionState(direction, "not carried", "", reason, "");
        };
    }

    private static DirectionState state(CarriedPath path) {
        PathTurn turn = path.turn();
        PathEnd end = path.end();
        String state =
                end != null ? "ending" : turn != null && turn.state() == PathTurn.State.CARRIED ? "carried" : "offered";
        String provider = turn == null ? "" : turn.session.lane.name();
        String reason = end != null ? end.toString() : state.equals("carried") ? "" : path.reason();
        return new DirectionState(path.path.direction(), state, provider, reason, path.path.toString());
    }

    @Override
    public Totals totals() {
        return new Totals(carrying.get(), packets.sum(), bytes.sum());
    }
}
