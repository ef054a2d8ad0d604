package io.turnstile.bench;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;

/** Takes everything and only counts, so that what is measured is the dispatcher. Threads: any. */
class CountingProvider implements OffloadProvider {
    private final String name;
    private final boolean flushes;
    private final LongAdder added = new LongAdder();
    private final LongAdder deleted = new LongAdder();
    private final LongAdder established = new LongAdder();

    /** @param flushes lets go of everything at once when it is to leave */
    CountingProvider(String name, boolean flushes) {
        this.name = name;
        this.flushes = flushes;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void connAdd(ConnView connection) {
        added.increment();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        established.increment();
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        deleted.increment();
    }

    @Override
    public boolean connFlush(DelReason reason) {
        if (flushes) {
            deleted.add(held());
        }
        return flushes;
    }

    long held() {
        return added.sum() - deleted.sum();
    }

    long established() {
        return established.sum();
    }

    long added() {
        return added.sum();
    }

    /** Does not come back from {@code connAdd} until it is let go. */
    static final class Hanging extends CountingProvider {
        private final CountDownLatch end = new CountDownLatch(1);

        Hanging() {
            super("hanging", false);
        }

        @Override
        public void connAdd(ConnView connection) {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            super.connAdd(connection);
        }

        void letGo() {
            end.countDown();
        }
    }
}
