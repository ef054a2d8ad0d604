package io.turnstile.offload.spi;

import java.util.concurrent.CompletionStage;
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
                OffloadResult.Released,
                OffloadResult.Carried,
                OffloadResult.Deferred,
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
     * @param packets carried since the provider told last; -1: unknown
     * @param bytes of those packets; -1: unknown
     */
    record LastUsed(long epochMs, long packets, long bytes) implements OffloadResult {
        /** Without counts. */
        public LastUsed(long epochMs) {
            this(epochMs, -1, -1);
        }
    }

    /**
     * Answer to an {@link OffloadOperation.Delete} of a provider that knows more than that it is done.
     *
     * @param epochMs as in {@link LastUsed}
     * @param packets as in {@link LastUsed}
     * @param bytes as in {@link LastUsed}
     * @param tcp sequence numbers as the device saw them last ({@link TcpView.Peer#sentEnd},
     *     {@link TcpView.Peer#allowedEnd}), with which software goes on at once; states, largest windows and scales are
     *     not read. Null: unknown, software believes what it sees first
     */
    record Released(
            long epochMs,
            long packets,
            long bytes,
            @Nullable TcpView tcp) implements OffloadResult {}

    /**
     * Answer to an {@link OffloadOperation.PathStats}, and to an {@link OffloadOperation.PathDel} of a provider that
     * counts. Each packet is told once, here or by {@link ProviderContext#pathUsed}: what was told before is not in it.
     *
     * @param epochMs when the path's last packet was carried, ms since the epoch; 0: unknown
     * @param packets carried since the provider told last, each segment of a joined frame as one; -1: unknown
     * @param bytes of those packets as on the wire, Ethernet header to the end of the payload; -1: unknown
     */
    record Carried(long epochMs, long packets, long bytes) implements OffloadResult {
        /** Nothing is known of what was carried. */
        public static final Carried UNKNOWN = new Carried(0, -1, -1);
    }

    /**
     * Stands for a result that comes later: the operation goes on in the device while its thread does other things. No
     * other operation of this connection comes before it is there. One that has not come within 10 s counts as a call
     * that does not return. An operation that is answered by this may be any but a flush. At most 256 of each of the
     * provider's threads are outstanding: its other operations wait for one of them.
     *
     * @param result completes with a result that fits the operation, on any thread; with a throwable: failed
     */
    record Deferred(CompletionStage<? extends OffloadResult> result) implements OffloadResult {}

    /**
     * The operation failed. After an add the provider does not hold the connection; after any other of a connection
     * that it holds a delete follows.
     *
     * @param reason for people, a few words
     * @param cause what was thrown; null if nothing was
     */
    record Failed(String reason, @Nullable Throwable cause) implements OffloadResult {}
}
