package io.turnstile.bench;

import io.turnstile.offload.spi.ConnView;
import java.util.concurrent.CountDownLatch;

/** The first {@code connAdd} does not return until it is let. Threads: any. */
final class HangingProvider extends CountingProvider {
    private final CountDownLatch gate = new CountDownLatch(1);

    HangingProvider(String name) {
        super(name);
    }

    /** The call that hangs returns, and further ones do at once. */
    void letGo() {
        gate.countDown();
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        return super.connAdd(connection);
    }
}
