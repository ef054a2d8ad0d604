package io.turnstile.offload;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;

/**
 * The recorder counts in memory, since the start, for who has no system of metrics.
 *
 * <p>Threads: any, without locks.
 */
final class CountingLaneMetrics implements LaneMetrics {
    private final LongAdder[][] operations =
            new LongAdder[OffloadEvent.Kind.values().length][OperationOutcome.values().length];
    private final LongAdder queueFull = new LongAdder();
    private final LongAdder neverAnnounced = new LongAdder();
    private final LongAdder givenUp = new LongAdder();
    private final Histogram batchLengths = new Histogram();
    private final Histogram callTimesNs = new Histogram();
    private final Histogram waitTimesNs = new Histogram();
    private final LongAdder carriedPackets = new LongAdder();
    private final LongAdder carriedBytes = new LongAdder();

    CountingLaneMetrics() {
        for (LongAdder[] outcomes : operations) {
            for (int i = 0; i < outcomes.length; i++) {
                outcomes[i] = new LongAdder();
            }
        }
    }

    /** Returns a factory that keeps one for each provider's name. */
    static Factory factory() {
        Map<String, LaneMetrics> byProvider = new ConcurrentHashMap<>();
        return (provider, lane) -> byProvider.computeIfAbsent(provider, name -> new CountingLaneMetrics());
    }

    @Override
    public void operation(OffloadEvent.Kind kind, OperationOutcome outcome) {
        operations[kind.ordinal()][outcome.ordinal()].increment();
    }

    @Override
    public void called(int batchLength, long durationNs) {
        batchLengths.record(batchLength);
        callTimesNs.record(durationNs);
    }

    @Override
    public void waited(long durationNs) {
        waitTimesNs.record(durationNs);
    }

    @Override
    public void queueFull() {
        queueFull.increment();
    }

    @Override
    public void neverAnnounced() {
        neverAnnounced.increment();
    }

    @Override
    public void givenUp() {
        givenUp.increment();
    }

    @Override
    public void carried(long packets, long bytes) {
        carriedPackets.add(Math.max(0, packets));
        carriedBytes.add(Math.max(0, bytes));
    }

    @Override
    public void ownNumber(String name, String description, boolean isCounter, DoubleSupplier value) {
        // Shown by who made it; nobody else reads these.
    }

    @Override
    public long carriedPackets() {
        return carriedPackets.sum();
    }

    @Override
    public long carriedBytes() {
        return carriedBytes.sum();
    }

    @Override
    public long count(OffloadEvent.Kind kind, OperationOutcome outcome) {
        return operations[kind.ordinal()][outcome.ordinal()].sum();
    }

    @Override
    public long queueFullCount() {
        return queueFull.sum();
    }

    @Override
    public long neverAnnouncedCount() {
        return neverAnnounced.sum();
    }

    @Override
    public long givenUpCount() {
        return givenUp.sum();
    }

    @Override
    public long callCount() {
        return callTimesNs.count();
    }

    @Override
    public Distribution batchLengths() {
        return batchLengths.distribution();
    }

    @Override
    public Distribution callTimesNs() {
        return callTimesNs.distribution();
    }

    @Override
    public Distribution waitTimesNs() {
        return waitTimesNs.distribution();
    }
}
