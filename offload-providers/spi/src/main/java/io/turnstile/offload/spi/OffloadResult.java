package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * What became of one {@link OffloadOperation}. Which result fits which operation stands at the operation; one that does
 * not fit counts as {@link Failed}.
 */
public sealed interface OffloadResult
        permits Verdict,
                OffloadResult.Done,
                OffloadResult.OneByOne,
                OffloadResult.Covered,
                OffloadResult.LastUsed,
                OffloadResult.Failed {

    /** The shared {@link Done}. */
    Done DONE = new Done();
    /** The shared {@link OneByOne}. */
    OneByOne ONE_BY_ONE = new OneByOne();
    /** The shared {@link Verdict.Accept}. */
    Verdict ACCEPT = new Verdict.Accept();

    /** An add, a delete or a flush was carried out. */
    record Done() implements OffloadResult {}

    /** The provider has no way to let go of everything at once: a delete for each connection is to follow. */
    record OneByOne() implements OffloadResult {}

    /**
     * Answer to an {@link OffloadOperation.Established}.
     *
     * @param both true: the offload covers both directions now; false: ask again
     */
    record Covered(boolean both) implements OffloadResult {}

    /**
     * Answer to an {@link OffloadOperation.Update}.
     *
     * @param epochMs when the provider last saw a packet of the connection, ms since the epoch; 0: unknown
     */
    record LastUsed(long epochMs) implements OffloadResult {}

    /**
     * The operation failed and the provider does not hold the connection on account of it.
     *
     * @param reason for people, a few words
     * @param cause what was thrown; null if nothing was
     */
    record Failed(String reason, @Nullable Throwable cause) implements OffloadResult {}
}
