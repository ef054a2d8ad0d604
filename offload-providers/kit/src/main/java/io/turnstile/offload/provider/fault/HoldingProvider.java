package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A correct provider without a device: takes everything, covers both directions at once, does not know when a
 * connection was used, lets go when told, flushes at once. It remembers what it holds and nothing else. The fault
 * providers are this with one fault each; a test's own odd provider may extend it too.
 *
 * <p>Errors: {@code connAdd} of what is held throws {@link IllegalStateException}, as the caller broke the life cycle;
 * so does {@code connDel} of what is not held, unless {@code operate} has thrown before. Threads: any.
 */
public abstract class HoldingProvider implements OffloadProvider {
    private final String name;
    private final Map<Long, ConnView> held = new ConcurrentHashMap<>();
    private volatile @Nullable ProviderContext context;
    private volatile boolean someDeletesMayMiss;

    protected HoldingProvider(String name) {
        this.name = name;
    }

    /** Ids of the connections held at this moment. A copy. */
    public final Set<Long> held() {
        return Set.copyOf(held.keySet());
    }

    /** How many connections are held at this moment. */
    public final int heldCount() {
        return held.size();
    }

    /**
     * Every callback passes here before it does anything; those of {@link Callback#DEL} and {@link Callback#CLOSE} let
     * go even if this throws. The place for faults that concern any callback.
     */
    protected void meet(Callback callback) {
        // No fault.
    }

    /** The switch's wall clock, or this machine's before init; ms since the epoch. */
    protected final long wallMs() {
        ProviderContext given = context;
        return given == null ? System.currentTimeMillis() : given.wallMs();
    }

    /** What the last init gave; null before the first. */
    protected final @Nullable ProviderContext context() {
        return context;
    }

    /** From now on deletes of what is not held are legal: the caller does not know what has become of an operation. */
    protected final void letDeletesMiss() {
        someDeletesMayMiss = true;
    }

    /** Takes note of a connection. */
    protected final void hold(ConnView connection) {
        if (held.putIfAbsent(connection.id(), connection) != null) {
            throw new IllegalStateException("added twice");
        }
    }

    /** Holds the connection no longer. Returns whether it was held. */
    protected final boolean letGo(ConnView connection) {
        return letGo(connection.id());
    }

    /** Holds the connection no longer. Returns whether it was held. */
    protected final boolean letGo(long connectionId) {
        return held.remove(connectionId) != null;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public void init(ProviderContext context) throws Exception {
        meet(Callback.INIT);
        this.context = context;
    }

    @Override
    public void close() {
        try {
            meet(Callback.CLOSE);
        } finally {
            held.clear();
        }
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        meet(Callback.CAN_OFFLOAD);
        return Verdict.accept();
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        meet(Callback.ADD);
        hold(connection);
        return Verdict.accept();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        meet(Callback.ESTABLISHED);
        return true;
    }

    @Override
    public void connChanged(ConnView connection, Set<ConnChange> changes) {
        meet(Callback.CHANGED);
    }

    @Override
    public long connUpdate(ConnView connection) {
        meet(Callback.UPDATE);
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        boolean wasHeld = false;
        try {
            meet(Callback.DEL);
        } finally {
            wasHeld = letGo(connection);
        }
        if (!wasHeld && !someDeletesMayMiss) {
            throw new IllegalStateException("deleted without being held");
        }
    }

    @Override
    public boolean connFlush(DelReason reason) {
        meet(Callback.FLUSH);
        held.clear();
        return true;
    }

    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        try {
            meet(Callback.OPERATE);
            return carryOut(operations);
        } catch (Throwable e) { // whatever it was, deletes follow of what may not be held
            letDeletesMiss();
            throw e;
        }
    }

    /** What {@code operate} does. The place for faults of the bulk call. */
    protected List<OffloadResult> carryOut(List<OffloadOperation> operations) {
        return OffloadProvider.super.operate(operations);
    }

    @Override
    public void portAdded(PortRef port) {
        meet(Callback.PORT);
    }

    @Override
    public void portChanged(PortRef port) {
        meet(Callback.PORT);
    }

    @Override
    public void portRemoved(PortRef port) {
        meet(Callback.PORT);
    }

    @Override
    public void settingsChanged(Map<String, String> settings) {
        meet(Callback.SETTINGS);
    }

    @Override
    public List<String> describe() {
        meet(Callback.DESCRIBE);
        return List.of();
    }
}
