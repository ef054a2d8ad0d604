package io.turnstile.conntrack;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The list of expectations holds connections that others have announced: an FTP or TFTP control connection names the
 * address and port of a connection to come. An expectation lives as long as its parent; there is a limit to them all
 * and to those of one parent.
 *
 * <p>Threads: any, under this object's monitor, except {@link #isEmpty}. Only helpers add, and only packets of no known
 * connection ask, both off the usual packet's path.
 */
final class Expectations {
    static final int MOST = 65_536;
    /** One parent is not to push out the expectations of all others. */
    static final int MOST_OF_PARENT = 64;

    private final TupleHash hash;
    private final Map<Expected, Expectation> byTuple = new HashMap<>();
    private final Map<Long, List<Expectation>> byParent = new HashMap<>();
    private final Expected probe;
    private volatile boolean empty = true;
    private long refused;

    /** @param hash under a secret key: who announces connections chooses what they are */
    Expectations(TupleHash hash) {
        this.hash = hash;
        probe = new Expected(hash);
    }

    /** What an expected connection's first packet has: no source port, which nobody knows before. */
    private static final class Expected {
        private final TupleHash hash;
        private final TupleKey key = new TupleKey();

        Expected(TupleHash hash) {
            this.hash = hash;
        }

        private Expected set(Tuple wanted) {
            key.copyFrom(wanted);
            key.sourcePort = 0;
            hash.foldAndHash(key);
            return this;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Expected that
                    && key.hasSameAddresses(that.key)
                    && key.destinationPort == that.key.destinationPort
                    && key.kind == that.key.kind;
        }

        @Override
        public int hashCode() {
            return Long.hashCode(key.hash);
        }
    }

    /** What is known of a connection to come. */
    static final class Expectation {
        /** The tuple of its first packet; the source port is not known and 0. */
        final Tuple tuple = new Tuple();

        long parentId;
        /** The parent's original tuple. */
        final Tuple parent = new Tuple();

        int mark;
        long labelHigh;
        long labelLow;
        /**
         * {@code NAT_SOURCE} or {@code NAT_DESTINATION} of {@link Translation}, if the connection is to be translated.
         */
        int natFlags;
        /** The address that takes the translated one's place. */
        long natHigh;

        long natLow;
        /** The port that takes the place of a translated destination's; 0: it stays. */
        int natPort;
    }

    boolean isEmpty() {
        return empty;
    }

    /**
     * Adds one, unless its tuple is expected already or there are too many. A parent that has announced as many as it
     * may loses the oldest: a long session announces a connection for each file.
     */
    synchronized void add(Expectation expectation) {
        if (byTuple.containsKey(probe.set(expectation.tuple))) {
            return;
        }
        List<Expectation> siblings = byParent.computeIfAbsent(expectation.parentId, id -> new ArrayList<>());
        if (siblings.size() >= MOST_OF_PARENT) {
            byTuple.remove(probe.set(siblings.removeFirst().tuple));
        }
        if (byTuple.size() >= MOST) {
            refused++;
            if (siblings.isEmpty()) {
                byParent.remove(expectation.parentId);
            }
            return;
        }
        siblings.add(expectation); // first: none may be there that goes with nobody
        byTuple.put(new Expected(hash).set(expectation.tuple), expectation);
        empty = false;
    }

    /** What was announced of the packet's connection; null if nothing was. */
    synchronized @Nullable Expectation find(Tuple key) {
        return byTuple.get(probe.set(key));
    }

    /** Forgets what a connection has announced that is gone. */
    synchronized void forget(long parentId) {
        List<Expectation> gone = byParent.remove(parentId);
        if (gone != null) {
            gone.forEach(expectation -> byTuple.remove(probe.set(expectation.tuple)));
            empty = byTuple.isEmpty();
        }
    }

    synchronized List<Expectation> all() {
        return List.copyOf(byTuple.values());
    }

    /** How many were not taken because there were too many. */
    synchronized long refused() {
        return refused;
    }
}
