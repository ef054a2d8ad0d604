package io.turnstile.offload;

import java.util.concurrent.TimeUnit;

/**
 * How much the dispatcher puts up with from one provider, and how much it lets wait for it.
 *
 * @param queueLength connections that may wait in one shard; beyond that new ones are refused
 * @param slowCallNs a call that takes longer is slow
 * @param slowInARow so many slow calls in a row open the breaker
 * @param hungCallNs a call that takes longer is given up with its thread
 * @param failuresInARow so many failed operations in a row open the breaker
 * @param probes operations that must succeed before a half-open breaker closes
 * @param firstBackoffNs from the opening to the first retry; each further one waits twice as long
 * @param longestBackoffNs never longer than this
 * @param provedNs a provider that has worked for so long without an opening is as one that never failed
 * @param hungStartNs an {@code init} or {@code close} that takes longer is given up
 * @param deferredNs a result that is deferred for longer is as a call that does not return
 * @param startTimeoutNs how long turning hw-offload on waits for {@code init}; it goes on by itself after that
 */
record LaneLimits(
        int queueLength,
        long slowCallNs,
        int slowInARow,
        long hungCallNs,
        int failuresInARow,
        int probes,
        long firstBackoffNs,
        long longestBackoffNs,
        long provedNs,
        long hungStartNs,
        long deferredNs,
        long startTimeoutNs) {
    static final LaneLimits DEFAULTS = new LaneLimits(
            65_536,
            TimeUnit.MILLISECONDS.toNanos(500),
            3,
            TimeUnit.SECONDS.toNanos(2),
            16,
            8,
            TimeUnit.SECONDS.toNanos(1),
            TimeUnit.SECONDS.toNanos(60),
            TimeUnit.SECONDS.toNanos(60),
            TimeUnit.SECONDS.toNanos(10),
            TimeUnit.SECONDS.toNanos(10),
            TimeUnit.SECONDS.toNanos(2));
}
