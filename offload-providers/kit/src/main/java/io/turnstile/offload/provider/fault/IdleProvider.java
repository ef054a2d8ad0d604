package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;

/**
 * Takes everything, does nothing, remembers nothing and never knows when a connection was used: what is left of a
 * provider without a device, for tests and benchmarks that need one and look at something else. Extend it to override
 * what is looked at; {@link HoldingProvider} is for those that look at what is held.
 *
 * <p>Threads: any.
 */
public class IdleProvider implements OffloadProvider {
    private final String name;

    public IdleProvider(String name) {
        this.name = name;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public void connAdd(ConnView connection) {
        // It has no device.
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
