package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.io.IOException;

/**
 * Never comes up: its {@code init} throws. Should another callback come all the same, it throws an
 * {@link AssertionError} and {@link #wasMisused()} tells.
 */
public final class InitFailingProvider implements OffloadProvider {
    private final String name;
    private final String message;
    private volatile boolean misused;

    public InitFailingProvider(String name, String message) {
        this.name = name;
        this.message = message;
    }

    /** A callback came in spite of the failed init. */
    public boolean wasMisused() {
        return misused;
    }

    private AssertionError misuse() {
        misused = true;
        return new AssertionError("called though init failed");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void init(ProviderContext context) throws IOException {
        throw new IOException(message);
    }

    @Override
    public void close() {
        throw misuse();
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        throw misuse();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        throw misuse();
    }

    @Override
    public long connUpdate(ConnView connection) {
        throw misuse();
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        throw misuse();
    }
}
