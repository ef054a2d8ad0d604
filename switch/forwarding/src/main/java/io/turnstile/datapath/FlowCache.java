package io.turnstile.datapath;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All datapath flows of a datapath: one hash table per mask (tuple-space search). Two flows that match the same packet
 * always say the same, because each stands for one translation and every bit that decided it; so the first hit is the
 * answer and tables need no priority.
 *
 * <p>Threads: {@link #find} takes no lock; changes take this object's lock, one flow at a time. A flow is linked in at
 * a chain's head; {@code next} of a flow that was taken out keeps pointing at its old successor, so that a reader that
 * stands on it finds its way. While buckets are doubled each flow is linked anew in turn: a link then leads to a flow
 * that was moved before or, among those not moved yet, along the old chain, so no walk is endless; it may miss a flow
 * that moved, then asks the pipeline needlessly, and the installation finds the flow that is there.
 */
final class FlowCache {
    private static final int FIRST_BUCKETS = 16;
    private static final VarHandle BUCKET = MethodHandles.arrayElementVarHandle(DatapathFlow[].class);

    /** The flows of one mask. */
    private static final class SubTable {
        private final long[] mask;
        private final int[] words;
        private volatile DatapathFlow[] buckets = new DatapathFlow[FIRST_BUCKETS];
        private int size; // Guarded by the cache.
        private long hits; // Lossy on purpose: only the order of tables follows from it.
        /** Up to the sorting under way, during which readers go on counting. Guarded by the cache. */
        private long hitsBefore;

        SubTable(long[] mask) {
            this.mask = mask;
            this.words = DatapathFlow.wordsOf(mask);
        }

        @Nullable
        DatapathFlow find(long[] key) {
            long hash = DatapathFlow.hashMasked(key, mask, words);
            DatapathFlow[] table = buckets;
            DatapathFlow flow = bucket(table, (int) hash & (table.length - 1));
            while (flow != null && (flow.maskedHash != hash || flow.isDead() || !flow.matches(key))) {
                flow = flow.next;
            }
            return flow;
        }

        void insert(DatapathFlow flow) {
            if (size >= buckets.length) {
                grow();
            }
            link(buckets, flow);
            size++;
        }

        private void grow() {
            List<DatapathFlow> present = new ArrayList<>(size);
            collect(present);
            DatapathFlow[] larger = new DatapathFlow[buckets.length * 2];
            for (DatapathFlow flow : present) {
                link(larger, flow);
            }
            buckets = larger;
        }

        private static void link(DatapathFlow[] table, DatapathFlow flow) {
            int index = (int) flow.maskedHash & (table.length - 1);
            flow.next = table[index];
            BUCKET.setRelease(table, index, flow);
        }

        void unlink(DatapathFlow flow) {
            DatapathFlow[] table = buckets;
            int index = (int) flow.maskedHash & (table.length - 1);
            if (table[index] == flow) {
                BUCKET.setRelease(table, index, flow.next);
            } else {
                DatapathFlow before = table[index];
                while (before.next != flow) {
                    before = Objects.requireNonNull(before.next, "a live flow is in its bucket's chain");
                }
                before.next = flow.next;
            }
            size--;
        }

        void collect(List<DatapathFlow> into) {
            DatapathFlow[] table = buckets;
            for (int i = 0; i < table.length; i++) {
                for (DatapathFlow flow = bucket(table, i); flow != null; flow = flow.next) {
                    into.add(flow);
                }
            }
        }

        private static @Nullable DatapathFlow bucket(DatapathFlow[] table, int index) {
            return (DatapathFlow) BUCKET.getAcquire(table, index);
        }
    }

    /** A mask as a map's key. The array is never changed. */
    private record Mask(long[] words) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Mask mask && Arrays.equals(words, mask.words);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(words);
        }
    }

    /** In the order in which they are searched; replaced as a whole. */
    private volatile SubTable[] tables = {};

    private final Map<Mask, SubTable> byMask = new HashMap<>(); // Guarded by this.
    private volatile int size;

    /** The flow that the packet belongs to, or null. */
    @Nullable
    DatapathFlow find(long[] key) {
        SubTable[] present = tables;
        for (int i = 0; i < present.length; i++) {
            DatapathFlow flow = present[i].find(key);
            if (flow != null) {
                present[i].hits++;
                return flow;
            }
        }
        return null;
    }

    /**
     * Adds the flow unless a live one with the same match is there: of two threads that miss at once, one installs.
     *
     * @return the flow that is there afterwards
     */
    synchronized DatapathFlow install(DatapathFlow flow) {
        SubTable table = byMask.get(new Mask(flow.mask()));
        if (table == null) {
            table = new SubTable(flow.mask());
            byMask.put(new Mask(flow.mask()), table);
            SubTable[] grown = Arrays.copyOf(tables, tables.length + 1);
            grown[grown.length - 1] = table;
            tables = grown;
        }
        DatapathFlow twin = table.find(flow.key());
        if (twin != null) {
            return twin;
        }
        table.insert(flow);
        size++;
        return flow;
    }

    /** The live flow with exactly that match; null if there is none. */
    synchronized @Nullable DatapathFlow twin(long[] key, long[] mask) {
        SubTable table = byMask.get(new Mask(Arrays.copyOf(mask, FlowKey.DATAPATH_WORDS)));
        return table == null ? null : table.find(key);
    }

    /**
     * Asks under the lock which flows, and kills those that live: from now on no lookup finds them. They stay where
     * they are until they are {@linkplain #bury buried}, which takes much longer.
     *
     * @param named may name a flow twice
     */
    synchronized List<DatapathFlow> killNamed(Supplier<? extends Collection<DatapathFlow>> named) {
        Collection<DatapathFlow> flows = named.get();
        List<DatapathFlow> killed = new ArrayList<>(flows.size());
        for (DatapathFlow flow : flows) {
            if (!flow.isDead()) {
                flow.kill();
                killed.add(flow);
            }
        }
        return killed;
    }

    /** Takes flows out that {@link #killNamed} has killed, and reports each to {@code removed}. */
    void bury(Collection<DatapathFlow> killed, Consumer<DatapathFlow> removed) {
        killed.forEach(flow -> takeOut(flow, removed));
    }

    /**
     * Kills every live flow that the predicate selects and reports each to {@code removed}; flows that are installed
     * meanwhile may be passed over.
     */
    void remove(Predicate<DatapathFlow> selected, Consumer<DatapathFlow> removed) {
        for (DatapathFlow flow : flows()) {
            if (selected.test(flow)) {
                remove(flow, removed);
            }
        }
    }

    private synchronized void remove(DatapathFlow flow, Consumer<DatapathFlow> removed) {
        if (!flow.isDead()) {
            flow.kill();
            takeOut(flow, removed);
        }
    }

    /** Kills a live flow, reports it to {@code removed} and puts another with the same match into its place. */
    synchronized void replace(DatapathFlow flow, DatapathFlow other, Consumer<DatapathFlow> removed) {
        remove(flow, removed);
        install(other);
    }

    private synchronized void takeOut(DatapathFlow flow, Consumer<DatapathFlow> removed) {
        SubTable table = Objects.requireNonNull(
                byMask.get(new Mask(flow.mask())), "a flow is in its mask's table until it is taken out");
        table.unlink(flow);
        size--;
        if (table.size == 0) {
            byMask.remove(new Mask(flow.mask()));
            tables = Arrays.stream(tables).filter(other -> other != table).toArray(SubTable[]::new);
        }
        removed.accept(flow);
    }

    /** Puts the tables that were hit most since the last time in front. */
    synchronized void sortByHits() {
        SubTable[] sorted = tables.clone();
        for (SubTable table : sorted) {
            table.hitsBefore = table.hits;
            table.hits = 0;
        }
        Arrays.sort(
                sorted,
                Comparator.comparingLong((SubTable table) -> table.hitsBefore).reversed());
        tables = sorted;
    }

    /** The flows that are there now, as a copy. */
    synchronized List<DatapathFlow> flows() {
        List<DatapathFlow> all = new ArrayList<>(size);
        for (SubTable table : tables) {
            table.collect(all);
        }
        return all;
    }

    int size() {
        return size;
    }

    int maskCount() {
        return tables.length;
    }
}
