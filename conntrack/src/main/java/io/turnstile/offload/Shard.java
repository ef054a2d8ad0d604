package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A share of a session's slots with its queue of slots that have something pending. The queue is a stack linked through
 * {@link SlotTable}, pushed by anyone without locks and taken whole, then turned round: first come, first served, and
 * never longer than there are slots.
 *
 * <p>Threads: {@link #push} any. {@link #step} under the shard's lock, by its own thread or by who drains.
 */
final class Shard {
    /** Connections per batch: enough to make bulk worth while, few enough that a batch is over soon. */
    static final int BATCH_LENGTH = 64;
    /** A provider whose calls take longer is given shorter batches. */
    private static final long LONG_CALL_NS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final int FIRST_BATCH_LENGTH = 8;
    /** Operations whose result a provider may owe: as many as four batches. */
    private static final int MOST_DEFERRED = 4 * BATCH_LENGTH;

    private static final int REPLAY_SLOTS = 1024;
    /** A slice of a walk waits for a pause, or for so many batches: twice what a slice brings about by itself. */
    private static final int BATCHES_PER_SLICE = 2 * REPLAY_SLOTS / BATCH_LENGTH;

    private static final int WITHDRAWAL_SLOTS = 1024;
    private static final int NOTHING = -1;
    private static final long EMPTY = NOTHING & 0xffff_ffffL;
    /** While events keep coming the thread looks by itself this often, so that producers need not wake it. */
    private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final int LINGER_TURNS = 20;
    /** Backstop, should a wake-up ever be missed. */
    private static final long SLEEP_NS = TimeUnit.SECONDS.toNanos(1);

    private static final VarHandle TOP;

    static {
        try {
            TOP = MethodHandles.lookup().findVarHandle(Shard.class, "top", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OffloadSession session;
    private final int index;
    private final ReentrantLock lock = new ReentrantLock();
    private final CallWatch watch;
    private final Deferrals deferrals;
    private final BatchRunner runner;
    private final ScanThrottle throttle;

    // Written by producers.
    /** Number of slots in the stack in the upper half, the topmost slot in the lower. */
    private volatile long top = EMPTY;

    private volatile long stackSinceNs;
    /** Somebody wants the tracker's table walked. */
    private volatile boolean replayWanted;

    private volatile boolean checksWanted;

    private final PathQueue news = new PathQueue(PathQueue.NEWS);
    private final PathQueue endings = new PathQueue(PathQueue.ENDINGS);

    // Under the lock; the volatile ones are read by anyone.
    private final PathTurn[] turns = new PathTurn[BATCH_LENGTH];
    private int pathBatchLength = BATCH_LENGTH;
    private final int[] polled = new int[BATCH_LENGTH];
    private int oldest = NOTHING;
    private volatile int chainLength;
    private volatile long chainSinceNs;
    private int batchLength = FIRST_BATCH_LENGTH;
    private long replayCursor = -1;
    private boolean replayChecks;
    private int batchesSinceSlice;
    private boolean withdrawing;
    private int withdrawalSlot = NOTHING;
    private int withdrawalLimit = NOTHING;
    /** Slots that are withdrawn from and not sealed yet. */
    private int outstanding;

    private volatile boolean hurried;
    private volatile boolean left;
    private volatile boolean sleeping;
    private volatile @Nullable Thread thread;

    Shard(OffloadSession session, int index, int shardCount) {
        this.session = session;
        this.index = index;
        watch = new CallWatch(session.lane.stopwatchNs);
        deferrals = new Deferrals(session.lane.stopwatchNs, this::wake);
        runner = new BatchRunner(session, watch, deferrals, BATCH_LENGTH);
        throttle = session.lane.context.isThreaded() ? ScanThrottle.forShards(shardCount) : ScanThrottle.unlimited();
    }

    CallWatch watch() {
        return watch;
    }

    /** The session was given up: connections whose add is deferred are taken to be held, so that they are deleted. */
    void oweDeferred() {
        lock.lock();
        try {
            deferrals.forEach((item, operation) -> {
                if (operation instanceof OffloadOperation.Add) {
                    session.table.setState(item.chunk, item.slot, OffloadState.ADDED, 0);
                }
            });
        } finally {
            lock.unlock();
        }
    }

    /** Operations whose result the provider owes. */
    int deferredCount() {
        return deferrals.count();
    }

    /** How long the operation has been deferred that has been so for longest; 0 if there is none. */
    long oldestDeferredNs() {
        return deferrals.oldestNs();
    }

    /** Queues a slot whose {@link SlotTable#QUEUED} flag the caller has just set. */
    void push(SlotTable.Chunk chunk, int slot, long nowNs) {
        long seen;
        do {
            seen = top;
            if (seen == EMPTY) {
                stackSinceNs = nowNs;
            }
            session.table.setNext(chunk, slot, (int) seen);
        } while (!TOP.compareAndSet(this, seen, (seen >>> 32) + 1 << 32 | slot & 0xffff_ffffL));
        if (sleeping) {
            wake();
        }
    }

    /** Queues a path that is offered, or asked for its use. */
    void pushNews(PathTurn turn) {
        if (news.push(turn) && sleeping) {
            wake();
        }
    }

    /** Queues a path that is to end; somebody may be waiting for it. */
    void pushEnding(PathTurn turn) {
        if (endings.push(turn)) {
            wake();
        }
    }

    /** Slots that wait, about. */
    int depth() {
        return (int) (top >>> 32) + chainLength;
    }

    /** How long the first of them has waited, about; 0 if none does. */
    long oldestWaitNs(long nowNs) {
        if (chainLength > 0) {
            return nowNs - chainSinceNs;
        }
        return top == EMPTY ? 0 : Math.max(0, nowNs - stackSinceNs);
    }

    void wake() {
        Thread sleeper = thread;
        if (sleeper != null) {
            sleeping = false;
            LockSupport.unpark(sleeper);
        }
    }

    /**
     * Walks the tracker's table from its start, in slices between batches.
     *
     * @param checks connections that are followed already are looked at again, too
     */
    void startReplay(boolean checks) {
        checksWanted |= checks; // nobody takes it back but the walk that begins
        replayWanted = true;
        wake();
    }

    /** Nothing waits, nothing is under way. Does not wait. */
    boolean isIdle() {
        if (depth() > 0 || hasPathNews() || replayWanted || !lock.tryLock()) {
            return false;
        }
        try {
            return depth() == 0
                    && !hasPathNews()
                    && replayCursor < 0
                    && !replayWanted
                    && deferrals.isEmpty()
                    && (index != 0 || !session.hasNews())
                    && (!session.isLeaving() || left);
        } finally {
            lock.unlock();
        }
    }

    /** The provider holds nothing of this shard any more, and late events change nothing. */
    boolean hasLeft() {
        return left;
    }

    /**
     * One batch and one slice of whatever walk is under way.
     *
     * @return false if there was nothing to do
     */
    boolean step() {
        lock.lock();
        try {
            if (session.isGivenUp() || runner.isGivenUp() || left) {
                return false;
            }
            if (session.isLeaving() && !withdrawing) {
                // Nothing is to be under way when everything is let go of at once.
                return deferrals.isEmpty() ? beginWithdrawal() : runBatch(0);
            }
            int room = MOST_DEFERRED - deferrals.count();
            boolean busy = runPaths(room > 0); // first: somebody may be waiting for the end of a path
            if (runner.isGivenUp()) {
                return true;
            }
            if (index == 0 && !withdrawing && session.tellNews(runner)) {
                return true;
            }
            if (room <= 0) {
                return runBatch(0) || busy; // what the device has not done yet waits here, and not in the device
            }
            busy |= runBatch(Math.min(batchLength, room));
            if (replayWanted) {
                beginReplay();
                busy = true;
            }
            // Live events go first, but not for ever.
            if (isWalking() && (!busy || ++batchesSinceSlice >= BATCHES_PER_SLICE)) {
                busy |= walk();
            }
            return busy || index == 0 && !withdrawing && session.offerAgain();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Drained by the caller: withdrawals of paths and nothing else, but for results that were deferred.
     *
     * @return false if there was nothing to do, or the caller is a callback of this provider
     */
    boolean stepPaths() {
        if (lock.isHeldByCurrentThread()) {
            return false;
        }
        lock.lock();
        try {
            if (session.isGivenUp() || runner.isGivenUp() || left || session.isLeaving() && !withdrawing) {
                return false;
            }
            return runPaths(false) || deferrals.hasCompleted() && runBatch(0);
        } finally {
            lock.unlock();
        }
    }

    private boolean hasPathNews() {
        return !news.isEmpty() || !endings.isEmpty();
    }

    /** A batch of what is pending for paths. Returns whether there was anything. */
    private boolean runPaths(boolean withNews) {
        int length = 0;
        PathTurn turn;
        while (length < pathBatchLength
                && ((turn = endings.poll()) != null || withNews && (turn = news.poll()) != null)) {
            turns[length++] = turn;
        }
        if (length == 0) {
            return false;
        }
        runner.begin();
        for (int i = 0; i < length; i++) { // only now: what was queued by then is found by the first of a connection
            long connectionId = turns[i].path.connectionId();
            int slot = SlotTable.slotOf(connectionId);
            WorkItem deferred = deferrals.of(slot);
            if (deferred != null) {
                deferred.flagsMeanwhile |= SlotTable.PATH_NEWS;
            } else if (runner.itemOf(slot) == null) {
                runner.addPaths(session.table.metChunk(slot), connectionId, session.clock.nowNs());
            }
        }
        if (!runner.isEmpty()) {
            runner.run();
            pathBatchLength = runner.longestCallNs() > LONG_CALL_NS
                    ? Math.max(1, pathBatchLength / 2)
                    : Math.min(BATCH_LENGTH, pathBatchLength * 2);
        }
        return true;
    }

    private boolean isWalking() {
        return withdrawing ? withdrawalSlot != NOTHING : replayCursor >= 0;
    }

    /** A slice of the walk that is under way, if it is time for one. */
    private boolean walk() {
        long nowNs = session.lane.stopwatchNs.getAsLong();
        throttle.sliceFinished(nowNs);
        if (!hurried && !throttle.isDue(nowNs)) {
            return false;
        }
        throttle.sliceStarted(nowNs);
        batchesSinceSlice = 0;
        if (withdrawing) {
            withdrawSlice();
        } else {
            replaySlice();
        }
        return true;
    }

    /** @param most slots that are taken from the queue; results that were deferred and are there come besides */
    private boolean runBatch(int most) {
        runner.begin();
        int resumed = resumeDeferred();
        int length = 0;
        while (length < Math.min(most, BATCH_LENGTH - resumed) && (polled[length] = poll()) != NOTHING) {
            length++;
        }
        if (length == 0 && resumed == 0) {
            return false;
        }
        long nowNs = session.clock.nowNs();
        if (length > 0) {
            session.lane.metrics.waited(nowNs - chainSinceNs);
        }
        for (int i = 0;
                i < length;
                i++) { // only now: a slot that was taken may be queued anew, and must not be met twice
            take(polled[i], resumed, nowNs);
        }
        if (!runner.isEmpty()) {
            outstanding -= runner.run();
            batchLength = runner.longestCallNs() > LONG_CALL_NS
                    ? Math.max(1, batchLength / 2)
                    : Math.min(BATCH_LENGTH, batchLength * 2);
            noteIfLeft();
        }
        return true;
    }

    private int resumeDeferred() {
        int resumed = 0;
        while (resumed < BATCH_LENGTH) {
            Deferrals.Completion completion = deferrals.poll();
            if (completion == null) {
                break;
            }
            runner.resume(completion);
            resumed++;
        }
        return resumed;
    }

    /** @param resumed how many items the batch has that were deferred before */
    private void take(int slot, int resumed, long nowNs) {
        SlotTable.Chunk chunk = session.table.metChunk(slot);
        long word = session.table.take(chunk, slot);
        if ((SlotTable.flags(word) & SlotTable.TRACKED) == 0) {
            return;
        }
        WorkItem deferred = deferrals.of(slot);
        deferred = deferred == null ? runner.itemOf(slot, resumed) : deferred;
        if (deferred == null) {
            runner.add(chunk, slot, word, nowNs);
        } else {
            deferred.flagsMeanwhile |= SlotTable.flags(word) | SlotTable.QUEUED;
        }
    }

    /** The slot that has waited longest, unlinked; its flag still says queued, so nobody else touches its link. */
    private int poll() {
        if (oldest == NOTHING) {
            chainSinceNs = stackSinceNs;
            long taken = (long) TOP.getAndSet(this, EMPTY);
            chainLength = (int) (taken >>> 32);
            int slot = (int) taken;
            while (slot != NOTHING) {
                int below = session.table.next(slot);
                session.table.setNext(slot, oldest);
                oldest = slot;
                slot = below;
            }
        }
        int slot = oldest;
        if (slot != NOTHING) {
            oldest = session.table.next(slot);
            chainLength--; // under the lock: no other writer
        }
        return slot;
    }

    private void beginReplay() {
        replayWanted = false;
        if (checksWanted) {
            checksWanted = false;
            replayChecks = true;
        }
        replayCursor = 0;
        throttle.scanStarted();
    }

    private void replaySlice() {
        long nowNs = session.clock.nowNs();
        replayCursor = session.tracker.scan(
                replayCursor,
                REPLAY_SLOTS,
                connection -> session.follow(connection.connectionId, replayChecks, nowNs),
                nowNs);
        replayChecks &= replayCursor >= 0;
    }

    // ---- the end of the session ----

    /** Walks are no longer to spare forwarding: the process is about to end. */
    void hurry() {
        hurried = true;
        wake();
    }

    /** Waits until no shard is in a call, so that everything can be let go of at once. */
    private boolean beginWithdrawal() {
        if (!session.isFlushDone(index, runner)) {
            return false;
        }
        withdrawing = true;
        batchLength = 1; // quick adds say nothing of how long deletes take
        throttle.scanStarted();
        replayCursor = -1;
        withdrawalSlot = index;
        withdrawalLimit = session.table.slotLimit();
        return true;
    }

    private void withdrawSlice() {
        int end = (int)
                Math.min(withdrawalLimit, (long) withdrawalSlot + (long) WITHDRAWAL_SLOTS * session.shards.length);
        int slot = withdrawalSlot;
        for (; slot < end; slot += session.shards.length) {
            withdraw(slot);
        }
        withdrawalSlot = slot < withdrawalLimit ? slot : NOTHING;
        noteIfLeft();
    }

    private void withdraw(int slot) {
        SlotTable table = session.table;
        SlotTable.Chunk chunk = table.chunk(slot);
        if (chunk == null) {
            return;
        }
        while (true) {
            long word = table.word(chunk, slot);
            int flags = SlotTable.flags(word);
            boolean tracked = (flags & SlotTable.TRACKED) != 0;
            long changed = tracked ? word | SlotTable.WITHDRAW | SlotTable.QUEUED : word | SlotTable.SEALED;
            if (table.changeWord(chunk, slot, word, changed)) {
                if (tracked) {
                    outstanding++;
                    if ((flags & SlotTable.QUEUED) == 0) {
                        push(chunk, slot, session.clock.nowNs());
                    }
                }
                return;
            }
        }
    }

    private void noteIfLeft() {
        if (withdrawing && withdrawalSlot == NOTHING && outstanding == 0) {
            left = true;
        }
    }

    // ---- the shard's own thread ----

    /** Works until the session is over. */
    void work() {
        thread = Thread.currentThread();
        int idle = 0;
        while (!left && !session.isGivenUp()) {
            Thread.interrupted(); // a provider may have left an interrupt behind, and with it nobody sleeps
            if (step()) {
                idle = 0;
            } else if (idle < LINGER_TURNS) {
                idle++;
                LockSupport.parkNanos(this, LINGER_NS);
            } else {
                sleep();
            }
        }
        thread = null;
    }

    private void sleep() {
        sleeping = true;
        // After the flag was raised: a push, or the session's end, either sees it or is seen here.
        if (top == EMPTY && !hasPathNews() && !replayWanted && !session.isGivenUp() && !deferrals.hasCompleted()) {
            LockSupport.parkNanos(this, session.isLeaving() || isWalking() ? LINGER_NS : SLEEP_NS);
        }
        sleeping = false;
    }
}
