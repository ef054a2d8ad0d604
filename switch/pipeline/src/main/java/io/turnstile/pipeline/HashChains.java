package io.turnstile.pipeline;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A hash table of nodes that carry their own links, so that an entry costs one reference beside the node. It grows and
 * shrinks bucket by bucket, a few with each change, so that no change of a table of a million takes longer than any
 * other: while it does, buckets below {@link #moved} have gone over to the {@link #successor}.
 *
 * <p>Threads: as whoever owns it says.
 *
 * @param <N> what it holds; a node is in one table at a time
 */
final class HashChains<N extends HashChains.Node> {
    private static final int FEWEST_BUCKETS = 8;
    private static final int GROWTH = 2;
    private static final int SHRINKAGE = 4;
    /** A table with this many buckets for each node is too large. */
    private static final int SPARSE = 8;
    /** Enough to be done long before the table is too small once more. */
    private static final int BUCKETS_PER_CHANGE = 4;

    /** Something with a hash. */
    abstract static class Node {
        final long hash;
        private @Nullable Node next;

        Node(long hash) {
            this.hash = hash;
        }
    }

    private @Nullable Node[] buckets = new Node[FEWEST_BUCKETS];
    /** Empty unless the table is changing its size. */
    private @Nullable Node[] successor = {};

    private int moved;
    private int size;

    int size() {
        return size;
    }

    /** The first node of the chain that has all nodes of that hash, others too; null if there is none. */
    @SuppressWarnings("unchecked") // Nothing else is linked in.
    @Nullable
    N first(long hash) {
        int bucket = (int) hash & buckets.length - 1;
        return (N) (bucket < moved ? successor[(int) hash & successor.length - 1] : buckets[bucket]);
    }

    /** The node behind that one in its chain. */
    @SuppressWarnings("unchecked")
    @Nullable
    N next(N node) {
        return (N) ((Node) node).next;
    }

    void link(N node) {
        place(node);
        size++;
        resizeABit();
    }

    private void place(Node node) {
        int bucket = (int) node.hash & buckets.length - 1;
        @Nullable Node[] table = bucket < moved ? successor : buckets;
        int index = (int) node.hash & table.length - 1;
        node.next = table[index];
        table[index] = node;
    }

    void unlink(N node) {
        int bucket = (int) node.hash & buckets.length - 1;
        @Nullable Node[] table = bucket < moved ? successor : buckets;
        int index = (int) node.hash & table.length - 1;
        Node gone = node;
        if (table[index] == gone) {
            table[index] = gone.next;
        } else {
            Node before = Objects.requireNonNull(table[index], "a node that is taken out is in its chain");
            while (before.next != gone) {
                before = Objects.requireNonNull(before.next, "a node that is taken out is in its chain");
            }
            before.next = gone.next;
        }
        gone.next = null;
        size--;
        resizeABit();
    }

    private void resizeABit() {
        if (successor.length == 0) {
            if (size > buckets.length) {
                successor = new Node[buckets.length * GROWTH];
            } else if (size < buckets.length / SPARSE && buckets.length >= FEWEST_BUCKETS * SHRINKAGE) {
                successor = new Node[buckets.length / SHRINKAGE];
            } else {
                return;
            }
        }
        for (int i = 0; i < BUCKETS_PER_CHANGE && moved < buckets.length; i++) {
            Node node = buckets[moved];
            buckets[moved] = null;
            moved++;
            while (node != null) {
                Node behind = node.next;
                place(node);
                node = behind;
            }
        }
        if (moved == buckets.length) {
            buckets = successor;
            successor = new Node[0];
            moved = 0;
        }
    }
}
