package io.turnstile.stories;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;

/**
 * Claims that connections to {@link #BUSY_PORT} were used this very moment, and knows nothing of the others. Reaches
 * the switch in a jar, as a vendor's provider does.
 */
public final class ClaimingProvider implements OffloadProvider {
    static final int BUSY_PORT = 53;

    private volatile ProviderContext context;

    @Override
    public String name() {
        return "claiming";
    }

    @Override
    public void init(ProviderContext context) {
        this.context = context;
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
        return connection.original().destinationPort() == BUSY_PORT ? context.wallMs() : 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        // It has no device.
    }
}
