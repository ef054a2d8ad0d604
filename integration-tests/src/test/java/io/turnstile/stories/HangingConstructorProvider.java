package io.turnstile.stories;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.concurrent.locks.LockSupport;

/** Never comes to be: its constructor waits for a device that does not answer. */
public final class HangingConstructorProvider implements OffloadProvider {
    public HangingConstructorProvider() {
        while (true) {
            LockSupport.park();
        }
    }

    @Override
    public String name() {
        return "hanging-constructor";
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        throw new IllegalStateException("there is no such provider");
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        throw new IllegalStateException("there is no such provider");
    }

    @Override
    public long connUpdate(ConnView connection) {
        throw new IllegalStateException("there is no such provider");
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        throw new IllegalStateException("there is no such provider");
    }
}
