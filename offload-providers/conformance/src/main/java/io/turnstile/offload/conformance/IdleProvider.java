package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;

/**
 * A provider without a device: it takes everything, does nothing, remembers nothing and never knows when a connection
 * was used. It is for tests and benchmarks that need a provider and look at something else; those that look at one
 * callback extend it and override that one.
 *
 * <p>Threads: any.
 */
public class IdleProvider implements OffloadProvider {
    private final String name;

    /** @param name as {@link OffloadProvider#name} wants it */
    public IdleProvider(String name) {
        this.name = name;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        // It has no device.
        return Verdict.accept();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        // It has no device.
    }
}
