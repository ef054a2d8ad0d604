package io.turnstile.offload;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A share of the slots with its queue of slots that have something pending. The queue is a stack linked through
 * {@link SlotTable}, pushed by anyone without locks and taken whole, then turned round: first come, first served, and never
 * longer than there are slots.
 *
 * <p>Threads: {@link #push} any. {@link #step} under the shard's lock, by its own thread or by who drains.
 */
final class Shard implements Runnable {
    /** Connections per batch: enough to make bulk worth while, few enough that a batch is over soon. */
    static final int BATCH_LENGTH = 64;
    private static final int REPLAY_SLOTS = 1024;
    /** A slice of the replay waits for a pause, or for so many batches. */
    private static final int BATCHES_PER_SLICE = 16;
    private static final int WITHDRAWAL_SLOTS = 256;
    private static final int NOTHING = -1;
    /** While events keep coming the thread looks by itself this often, so that producers need not wake it. */
    private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int LINGER_TURNS = 20;
    /** Backstop, should a wake-up ever be missed. */
    private static final long SLEEP_NS = TimeUnit.SECONDS.toNanos(1);

    private static final VarHandle TOP;

    static {
        try {
            TOP = MethodHandles.lookup().findVarHandle(Shard.class, "top", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OffloadSession session;
    private final int index;
    private final ReentrantLock lock = new ReentrantLock();
    private final BatchRunner runner;

    // Written by producers.
    private volatile int top = NOTHING;

    // Under the lock.
    private final int[] polled = new int[BATCH_LENGTH];
    private int oldest = NOTHING;
    private long replayCursor = -1;
    private int batchesSinceSlice;
    private int withdrawalSlot = NOTHING;
    private int withdrawalLimit = NOTHING;
    /** Slots that are withdrawn from and not sealed yet. */
    private int outstanding;

    private volatile boolean left;
    private volatile boolean sleeping;
    private volatile boolean stopped;
    private volatile Thread thread;

    Shard(OffloadSession session, int index) {
        this.session = session;
        this.index = index;
        runner = new BatchRunner(session, BATCH_LENGTH);
    }

    /** Queues a slot whose {@link SlotTable#QUEUED} flag the caller has just set. */
    void push(SlotTable.Chunk chunk, int slot) {
        int seen;
        do {
            seen = top;
            session.table.setNext(chunk, slot, seen);
        } while (!TOP.compareAndSet(this, seen, slot));
        if (sleeping) {
            wake();
        }
    }

    private void wake() {
        Thread sleeper = thread;
        if (sleeper != null) {
            sleeping = false;
            LockSupport.unpark(sleeper);
        }
    }

    /** Walks the tracker's table from its start, in slices between batches. */
    void startReplay() {
        locked(() -> replayCursor = 0);
    }

    /** Walks this shard's slots, takes each connection from the providers and seals each slot. The table is closed. */
    void startWithdrawal() {
        locked(() -> {
            replayCursor = -1;
            withdrawalSlot = index;
            withdrawalLimit = session.table.slotLimit();
        });
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
        } finally {
            lock.unlock();
        }
        wake();
    }

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
            boolean busy = runBatch();
            if (replayCursor >= 0 && (!busy || ++batchesSinceSlice >= BATCHES_PER_SLICE)) {
                replaySlice(); // live events go first, but not for ever
                batchesSinceSlice = 0;
                busy = true;
            }
            if (withdrawalSlot != NOTHING) {
                withdrawSlice();
                busy = true;
            }
            return busy;
        } finally {
            lock.unlock();
        }
    }

    private boolean runBatch() {
        int length = 0;
        while (length < BATCH_LENGTH && (polled[length] = poll()) != NOTHING) {
            length++;
        }
        runner.begin();
        for (int i = 0; i < length; i++) { // only now: a slot that was taken may be queued anew, and must not be met twice
            SlotTable.Chunk chunk = session.table.chunkOrNull(polled[i]);
            long word = session.table.take(chunk, polled[i]);
            if ((SlotTable.flags(word) & SlotTable.TRACKED) != 0) {
                runner.add(chunk, polled[i], word);
            }
        }
        if (runner.isEmpty()) {
            return length > 0;
        }
        outstanding -= runner.run();
        noteIfLeft();
        return true;
    }

    /** The slot that has waited longest, unlinked; its flag still says queued, so nobody else touches its link. */
    private int poll() {
        if (oldest == NOTHING) {
            int slot = (int) TOP.getAndSet(this, NOTHING);
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
        }
        return slot;
    }

    private void replaySlice() {
        replayCursor = session.tracker.scan(replayCursor, REPLAY_SLOTS,
                connection -> session.follow(connection.connectionId), session.clock.nowNs());
    }

    private void withdrawSlice() {
        int end = (int) Math.min(withdrawalLimit, (long) withdrawalSlot + (long) WITHDRAWAL_SLOTS * session.shards.length);
        int slot = withdrawalSlot;
        for (; slot < end; slot += session.shards.length) {
            withdraw(slot);
        }
        withdrawalSlot = slot < withdrawalLimit ? slot : NOTHING;
        noteIfLeft();
    }

    private void withdraw(int slot) {
        SlotTable table = session.table;
        SlotTable.Chunk chunk = table.chunkOrNull(slot);
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
                        push(chunk, slot);
                    }
                }
                return;
            }
        }
    }

    private void noteIfLeft() {
        if (withdrawalLimit != NOTHING && withdrawalSlot == NOTHING && outstanding == 0) {
            left = true;
        }
    }

    // ---- the shard's own thread ----

    /** Starts a thread of its own; without it somebody drains. */
    void start() {
        Thread own = new Thread(this, "offload-" + index);
        own.setDaemon(true);
        thread = own;
        own.start();
    }

    /** Ends the thread after the step that it is in. */
    void stop() {
        stopped = true;
        wake();
        LockSupport.unpark(thread);
    }

    @Override
    public void run() {
        int idle = 0;
        while (!stopped) {
            if (step()) {
                idle = 0;
            } else if (idle < LINGER_TURNS) {
                idle++;
                LockSupport.parkNanos(this, LINGER_NS);
            } else {
                sleep();
            }
        }
    }

    private void sleep() {
        sleeping = true;
        if (top == NOTHING && !stopped) { // after the flag was raised: a push either sees it or is seen here
            LockSupport.parkNanos(this, SLEEP_NS);
        }
        sleeping = false;
    }
}
