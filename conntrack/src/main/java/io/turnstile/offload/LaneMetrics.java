package io.turnstile.offload;

import java.util.function.DoubleSupplier;

/**
 * What is recorded about one provider, over all of its sessions, and read for {@code conntrack/offload-show}. A
 * provider that comes back under the same name goes on counting.
 *
 * <p>Threads: any; recording must not wait for anything.
 */
public interface LaneMetrics {

    /** Makes what records for a lane. */
    @FunctionalInterface
    interface Factory {
        /**
         * Makes what records for a provider's lane.
         *
         * @param lane can be asked at any time, also after it has ended
         */
        LaneMetrics create(String provider, LaneReadings lane);
    }

    /** Records one operation of a call that has returned. */
    void operation(OffloadEvent.Kind kind, OperationOutcome outcome);

    /** Records a call that has returned. */
    void called(int batchLength, long durationNs);

    /** Records how long the first connection of a batch had waited. */
    void waited(long durationNs);

    /** Records a connection that was refused because too many waited. */
    void queueFull();

    /** Records a connection that left before the provider was told. */
    void neverAnnounced();

    /** Records a call that did not return and was given up. */
    void givenUp();

    /** Records what a provider says that it has carried; what is negative is unknown. */
    void carried(long packets, long bytes);

    /**
     * A provider has made a number of its own. Its description is fit to be shown.
     *
     * @param value is kept as long as there may be a provider of that name: it may be referred to weakly
     */
    void ownNumber(String name, String description, boolean isCounter, DoubleSupplier value);

    // ---- reading ----

    long carriedPackets();

    long carriedBytes();

    long count(OffloadEvent.Kind kind, OperationOutcome outcome);

    long queueFullCount();

    long neverAnnouncedCount();

    long givenUpCount();

    long callCount();

    /** Operations in a call. */
    Distribution batchLengths();

    /** How long calls took, ns. */
    Distribution callTimesNs();

    /** How long the first connections of batches had waited, ns. */
    Distribution waitTimesNs();

    /**
     * What values were like. All zero if there was none.
     *
     * @param p50 half of them were at most about this
     * @param p99 all but one of a hundred were at most about this
     */
    record Distribution(double p50, double p99, double max) {}
}
