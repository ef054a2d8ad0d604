package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Takes everything, and throws an {@link IllegalStateException} out of the callbacks chosen. {@link #throwFrom} chooses
 * anew at any time.
 */
public final class ThrowingProvider implements OffloadProvider {

    /** The callbacks that can be made to throw. */
    public enum Callback {
        CAN_OFFLOAD, ADD, ESTABLISHED, UPDATE, DEL, CLOSE, OPERATE, DESCRIBE
    }

    private final String name;
    private volatile Set<Callback> throwing;

    public ThrowingProvider(String name, Set<Callback> throwing) {
        this.name = name;
        throwFrom(throwing);
    }

    /** From now on exactly these throw. */
    public void throwFrom(Set<Callback> callbacks) {
        EnumSet<Callback> chosen = EnumSet.noneOf(Callback.class);
        chosen.addAll(callbacks);
        throwing = chosen;
    }

    private void meet(Callback callback) {
        if (throwing.contains(callback)) {
            throw new IllegalStateException("told to throw from " + callback);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void close() {
        meet(Callback.CLOSE);
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        meet(Callback.CAN_OFFLOAD);
        return Verdict.accept();
    }

    @Override
    public void connAdd(ConnView connection) {
        meet(Callback.ADD);
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        meet(Callback.ESTABLISHED);
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        meet(Callback.UPDATE);
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        meet(Callback.DEL);
    }

    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        meet(Callback.OPERATE);
        return OffloadProvider.super.operate(operations);
    }

    @Override
    public List<String> describe() {
        meet(Callback.DESCRIBE);
        return List.of();
    }
}
