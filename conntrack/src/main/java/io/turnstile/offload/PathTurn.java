package io.turnstile.offload;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.Verdict;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A path's turn at a lane: from the offer to that provider until it has declined it or given it back. What the provider
 * was told last stands here, also when the path is over for everybody else because the session was given up.
 *
 * <p>Threads: the state changes under the path's monitor, operations are made and taken by the connection's shard.
 * Queueing is for any.
 */
final class PathTurn {
    /** What the provider was told. */
    enum State {
        /** Nothing yet. */
        OFFERED,
        /** The put is under way. */
        PUTTING,
        /** It has accepted. */
        CARRIED,
        /** The put has failed: it is taken back in case something was done. */
        FAILED,
        /** The del is under way. */
        DELETING,
        /** It does not carry the path. */
        ENDED
    }

    private static final VarHandle WAITS;

    static {
        try {
            WAITS = MethodHandles.lookup().findVarHandle(PathTurn.class, "waits", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final CarriedPath path;
    final OffloadSession session;
    /** A bit for each {@link PathQueue} that it is in. */
    @SuppressWarnings("unused") // through WAITS
    private volatile int waits;

    private @Nullable PathTurn nextInNews; // in the queue of PathQueue.NEWS
    private @Nullable PathTurn nextInEndings; // in that of PathQueue.ENDINGS

    private volatile State state = State.OFFERED; // written under the path's monitor
    private volatile boolean isAsked;
    /** The connection is being taken from the provider. */
    private volatile boolean connectionLeaves;

    private boolean hasFailed; // by the shard
    private boolean deletedBefore; // by the shard

    PathTurn(CarriedPath path, OffloadSession session) {
        this.path = path;
        this.session = session;
    }

    State state() {
        return state;
    }

    /** The provider may be carrying the path. */
    boolean mayCarry() {
        return state != State.OFFERED && state != State.ENDED;
    }

    boolean connectionLeaves() {
        return connectionLeaves;
    }

    /** The connection is about to be taken from the provider. */
    void leave(PathEnd reason) {
        connectionLeaves = true;
        path.end(reason);
    }

    // ---- its place in queues ----

    boolean beginWait(int kind) {
        return ((int) WAITS.getAndBitwiseOr(this, 1 << kind) & 1 << kind) == 0;
    }

    void endWait(int kind) {
        WAITS.getAndBitwiseAnd(this, ~(1 << kind));
    }

    @Nullable
    PathTurn next(int kind) {
        return kind == PathQueue.NEWS ? nextInNews : nextInEndings;
    }

    void setNext(int kind, @Nullable PathTurn turn) {
        if (kind == PathQueue.NEWS) {
            nextInNews = turn;
        } else {
            nextInEndings = turn;
        }
    }

    // ---- asking for its use ----

    /** Has the provider asked what it has carried; false if it does not carry the path. Allocates nothing. */
    boolean ask() {
        if (state != State.CARRIED) {
            return mayTell();
        }
        isAsked = true;
        session.pathNews(this);
        return true;
    }

    /** The answer is to come, or the path is just being given back and may tell of a use. */
    boolean mayTell() {
        return state == State.DELETING || state == State.CARRIED && (isAsked || path.isEnding());
    }

    // ---- operations ----

    /** Ends it if the provider was not told yet. Returns whether that was so. */
    boolean endUntold() {
        synchronized (path) {
            if (state != State.OFFERED) {
                return false;
            }
            state = State.ENDED;
            return true;
        }
    }

    /**
     * The provider's next operation; null if there is none now.
     *
     * @param mayPut the connection is the provider's, in both directions, and stays so for now
     */
    @Nullable
    OfConnection next(ConnView view, boolean mayPut) {
        boolean isCurrent = state == State.OFFERED && mayPut && !path.isEnding() && path.isCurrent();
        synchronized (path) {
            switch (state) {
                case OFFERED -> {
                    if (isCurrent && !path.isEnding()) {
                        state = State.PUTTING;
                        return new OffloadOperation.PathPut(view, path.path);
                    }
                    state = State.ENDED;
                    if (mayPut) {
                        path.end(PathEnd.RULES_CHANGED); // no lane is to have it
                    }
                }
                case CARRIED -> {
                    PathEnd end = path.end();
                    if (end != null) {
                        state = State.DELETING;
                        return new OffloadOperation.PathDel(view, path.path, end);
                    }
                    return isAsked ? new OffloadOperation.PathStats(view, path.path) : null;
                }
                case FAILED -> {
                    state = State.DELETING;
                    return new OffloadOperation.PathDel(view, path.path, PathEnd.PROVIDER_FAILED);
                }
                case PUTTING, DELETING, ENDED -> {
                    return null;
                }
            }
        }
        path.book.moveOn(path);
        return null;
    }

    /**
     * What an operation came to.
     *
     * @param isUnknown a call with many has thrown: nobody knows which of them were made
     * @return whether another operation follows at once
     */
    boolean took(OfConnection operation, OffloadResult result, boolean isUnknown) {
        return switch (operation) {
            case OffloadOperation.PathPut put -> tookPut(result);
            case OffloadOperation.PathDel del -> tookDel(result, isUnknown);
            default -> tookStats(result);
        };
    }

    private boolean tookPut(OffloadResult result) {
        return switch (result) {
            case Verdict.Accept accept -> {
                synchronized (path) {
                    state = State.CARRIED;
                }
                path.book.accepted(path);
                yield path.isEnding();
            }
            case Verdict.Decline decline -> {
                endUndone();
                path.book.declined(this, decline.reason());
                yield false;
            }
            case Verdict.Later later -> {
                endUndone();
                path.noteLater(later.reason());
                path.book.moveOn(path);
                yield false;
            }
            default -> {
                hasFailed = true;
                synchronized (path) {
                    state = State.FAILED;
                }
                path.noteLater(result instanceof OffloadResult.Failed failed ? "failed: " + failed.reason() : "failed");
                yield true;
            }
        };
    }

    private void endUndone() {
        synchronized (path) {
            state = State.ENDED;
        }
    }

    private boolean tookDel(OffloadResult result, boolean isUnknown) {
        if (isUnknown && !deletedBefore) {
            deletedBefore = true;
            synchronized (path) {
                state = hasFailed ? State.FAILED : State.CARRIED;
            }
            return true;
        }
        count(result);
        endUndone();
        path.book.moveOn(path);
        return false;
    }

    private boolean tookStats(OffloadResult result) {
        count(result);
        isAsked = false;
        return path.isEnding();
    }

    private void count(OffloadResult result) {
        if (result instanceof OffloadResult.Carried carried) {
            path.book.used(this, carried.epochMs(), carried.packets(), carried.bytes());
        }
    }
}
