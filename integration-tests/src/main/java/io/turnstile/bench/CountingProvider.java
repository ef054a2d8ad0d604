package io.turnstile.bench;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The provider takes everything, carries nothing, and keeps of each connection only its id, so that a million of them
 * cost 8 MiB and no garbage. An add of what is held and a delete of what is not are counted as faults of the
 * dispatcher.
 *
 * <p>Threads: any.
 */
class CountingProvider implements OffloadProvider {
    /** Ids lie at their slot, the lower half of the id: two connections that live at once have different ones. */
    private static final int CHUNK_BITS = 16;

    private static final int CHUNK_MASK = (1 << CHUNK_BITS) - 1;

    private final String name;
    private final boolean flushesItself;
    private final AtomicReferenceArray<AtomicLongArray> chunks =
            new AtomicReferenceArray<>(1 << Integer.SIZE - 1 - CHUNK_BITS);
    private final AtomicLong held = new AtomicLong();
    private final AtomicLong adds = new AtomicLong();
    private final AtomicLong established = new AtomicLong();
    private final AtomicLong updates = new AtomicLong();
    private final AtomicLong deletes = new AtomicLong();
    private final AtomicLong faults = new AtomicLong();

    CountingProvider(String name) {
        this(name, false);
    }

    /** @param flushesItself it can let go of everything at once */
    CountingProvider(String name, boolean flushesItself) {
        this.name = name;
        this.flushesItself = flushesItself;
    }

    long held() {
        return held.get();
    }

    long adds() {
        return adds.get();
    }

    /** Calls of {@code connEstablished}. */
    long established() {
        return established.get();
    }

    /** Calls of {@code connUpdate}. */
    long updates() {
        return updates.get();
    }

    long deletes() {
        return deletes.get();
    }

    /**
     * Calls that the contract rules out: it was told of a connection that it does not hold, or to add one that it does.
     */
    long faults() {
        return faults.get();
    }

    private AtomicLongArray chunk(int slot) {
        int index = slot >>> CHUNK_BITS;
        AtomicLongArray present = chunks.get(index);
        if (present == null) {
            chunks.compareAndSet(index, null, new AtomicLongArray(CHUNK_MASK + 1));
            present = chunks.get(index);
        }
        return present;
    }

    private boolean change(long fromId, long toId) {
        int slot = (int) (fromId | toId); // one of them is 0
        if (chunk(slot).compareAndSet(slot & CHUNK_MASK, fromId, toId)) {
            return true;
        }
        faults.incrementAndGet();
        return false;
    }

    private void expectHeld(ConnView connection) {
        int slot = (int) connection.id();
        if (chunk(slot).get(slot & CHUNK_MASK) != connection.id()) {
            faults.incrementAndGet();
        }
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        adds.incrementAndGet();
        if (change(0, connection.id())) {
            held.incrementAndGet();
        }
        return Verdict.accept();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        established.incrementAndGet();
        expectHeld(connection);
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        updates.incrementAndGet();
        expectHeld(connection);
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        deletes.incrementAndGet();
        if (change(connection.id(), 0)) {
            held.decrementAndGet();
        }
    }

    @Override
    public boolean connFlush(DelReason reason) {
        if (flushesItself) {
            for (int i = 0; i < chunks.length(); i++) {
                chunks.set(i, null);
            }
            held.set(0);
        }
        return flushesItself;
    }
}
