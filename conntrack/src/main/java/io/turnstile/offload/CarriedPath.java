package io.turnstile.offload;

import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A path that was offered: on its way from lane to lane, carried by one of them, or over.
 *
 * <p>Threads: any; what is said to be guarded, by this object's monitor, in which nobody but the path's user is called.
 */
final class CarriedPath implements PathHandle {
    private static final VarHandle END;
    private static final long[] NONE = {};

    static {
        try {
            END = MethodHandles.lookup().findVarHandle(CarriedPath.class, "end", PathEnd.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final CarriedPaths book;
    private final PathUser user;
    final Path path;
    /** Connections of the walk beside the path's own; none mostly. */
    private final long[] others;
    /** Why it ends; the first reason counts. */
    private volatile @Nullable PathEnd end;

    private volatile @Nullable PathTurn turn;
    private volatile boolean over;
    /** What the providers have said that do not carry it, or have lost it. */
    private volatile String reason = "";

    private volatile boolean isLater;
    /** How many of its connections are held for it, from the first on. */
    private volatile int held;

    private volatile boolean active;

    // Guarded by this.
    private @Nullable Lane firstTried;
    private List<Lane> otherTried = List.of();
    private boolean closed;
    private boolean counted;

    CarriedPath(CarriedPaths book, PathOffer offer, long id) {
        this.book = book;
        user = offer.user();
        path = new Path(
                id,
                offer.connectionId(),
                offer.direction(),
                offer.ingress(),
                offer.arriving(),
                offer.guard(),
                offer.egress(),
                offer.leaving(),
                offer.rewrites());
        others = offer.connections().size() == 1
                ? NONE
                : offer.connections().stream()
                        .skip(1)
                        .mapToLong(Long::longValue)
                        .toArray();
    }

    long connectionId() {
        return path.connectionId();
    }

    boolean isReply() {
        return DirectionTable.isReply(path.direction());
    }

    int connectionCount() {
        return 1 + others.length;
    }

    long connection(int index) {
        return index == 0 ? path.connectionId() : others[index - 1];
    }

    int held() {
        return held;
    }

    /** @param isWanted it has the place of its direction */
    void setHeld(int count, boolean isWanted) {
        held = count;
        active = isWanted;
    }

    /** Its direction stands as it says. */
    boolean isActive() {
        return active;
    }

    boolean involves(long connectionId) {
        boolean found = path.connectionId() == connectionId;
        for (int i = 0; i < others.length && !found; i++) {
            found = others[i] == connectionId;
        }
        return found;
    }

    // ---- its end ----

    @Nullable
    PathEnd end() {
        return end;
    }

    boolean isEnding() {
        return end != null;
    }

    /** Has it end; returns whether it was not to end before. Whoever has it tells the provider. */
    boolean end(PathEnd why) {
        return END.compareAndSet(this, null, why);
    }

    @Override
    public void withdraw(PathEnd why) {
        book.withdraw(this, why);
    }

    @Override
    public boolean isOver() {
        return over;
    }

    synchronized void setOver() {
        over = true;
        notifyAll();
    }

    /** Waits until it is over, or the time is; returns whether it is. */
    synchronized boolean awaitOver(long timeoutNs) throws InterruptedException {
        long startNs = System.nanoTime(); // real time: it is a thread that is waited for
        while (!over) {
            long leftNs = timeoutNs - (System.nanoTime() - startNs);
            if (leftNs <= 0) {
                return false;
            }
            wait(leftNs / 1_000_000, (int) (leftNs % 1_000_000));
        }
        return true;
    }

    /** Nothing is reported to the user any more but the end; false if that was so before. */
    synchronized boolean close() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    synchronized boolean isClosed() {
        return closed;
    }

    // ---- at lanes ----

    @Nullable
    PathTurn turn() {
        return turn;
    }

    void setTurn(@Nullable PathTurn next) {
        turn = next;
    }

    /** The path has not been at the lane yet, and is now. */
    synchronized boolean goTo(Lane lane) {
        if (wasAt(lane)) {
            return false;
        }
        if (firstTried == null) {
            firstTried = lane;
        } else {
            otherTried = Stream.concat(otherTried.stream(), Stream.of(lane)).toList();
        }
        return true;
    }

    /** The path has been, or is, at the lane. */
    synchronized boolean wasAt(Lane lane) {
        return firstTried == lane || otherTried.contains(lane);
    }

    /** No lane has been found that it could go to. */
    synchronized boolean hasNeverBeenOffered() {
        return firstTried == null;
    }

    void noteLater(String why) {
        isLater = true;
        reason = why;
    }

    void noteReason(String why) {
        reason = why;
    }

    boolean isLater() {
        return isLater;
    }

    String reason() {
        return reason;
    }

    /** It counts among those carried; false if it did before, or is over. */
    synchronized boolean beginCount() {
        boolean first = !closed && !counted;
        counted |= first;
        return first;
    }

    /** Whether it has been counted among those carried. */
    synchronized boolean endCount() {
        boolean was = counted;
        counted = false;
        return was;
    }

    // ---- its user ----

    /** Whether packets still go so; a user that fails is not asked twice. */
    boolean isCurrent() {
        try {
            return user.isCurrent();
        } catch (RuntimeException e) { // contained: the lane must not suffer from it
            book.record(e);
            return false;
        }
    }

    /** Tells the user of packets carried, unless it is over; returns whether it did. */
    synchronized boolean tellCarried(long packets, long bytes, long lastUsedNs) {
        if (closed) {
            return false;
        }
        try {
            user.carried(packets, bytes, lastUsedNs);
        } catch (RuntimeException e) { // contained: the provider has nothing to do with it
            book.record(e);
        }
        return true;
    }

    void tellEnded() {
        try {
            user.ended();
        } catch (RuntimeException e) { // contained: what follows has to be done whatever the user does
            book.record(e);
        }
    }
}
