package io.turnstile.datapath;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * All datapath flows of a datapath: one hash table per mask (tuple-space search). Two flows that match the same packet always
 * say the same, because each stands for one translation and every bit that decided it; so the first hit is the answer and
 * tables need no priority.
 *
 * <p>Threads: {@link #find} takes no lock; changes take this object's lock. A reader that meets a chain while it is relinked sees
 * either the old or the new one: {@code next} of a removed flow keeps pointing at its old successor.
 */
final class FlowCache {
    private static final int FIRST_BUCKETS = 16;

    /** The flows of one mask. */
    private static final class SubTable {
        private final long[] mask;
        private final int[] words;
        private volatile DatapathFlow[] buckets = new DatapathFlow[FIRST_BUCKETS];
        private int size;
        private volatile long hits;

        SubTable(long[] mask) {
            this.mask = mask;
            this.words = DatapathFlow.wordsOf(mask);
        }

        DatapathFlow find(long[] key) {
            long hash = DatapathFlow.hashMasked(key, mask, words);
            DatapathFlow[] table = buckets;
            DatapathFlow flow = table[(int) hash & (table.length - 1)];
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

        private static void link(DatapathFlow[] table, DatapathFlow flow) {
            int index = (int) flow.maskedHash & (table.length - 1);
            flow.next = table[index];
            BUCKET.setRelease(table, index, flow);
        }

        /**
         * Doubles the buckets. Chains are relinked in place, so a reader of the old array may miss a flow that moved; it then
         * asks the pipeline again and the installation finds the flow that is there.
         */
        private void grow() {
            DatapathFlow[] larger = new DatapathFlow[buckets.length * 2];
            for (DatapathFlow flow : flows()) {
                link(larger, flow);
            }
            buckets = larger;
        }

        List<DatapathFlow> flows() {
            List<DatapathFlow> all = new ArrayList<>(size);
            for (DatapathFlow head : buckets) {
                for (DatapathFlow flow = head; flow != null; flow = flow.next) {
                    all.add(flow);
                }
            }
            return all;
        }

        /** Takes the killed flows out of the chains. */
        void removeDead() {
            DatapathFlow[] table = buckets;
            for (int i = 0; i < table.length; i++) {
                while (table[i] != null && table[i].isDead()) {
                    table[i] = table[i].next;
                    size--;
                }
                for (DatapathFlow flow = table[i]; flow != null; flow = flow.next) {
                    while (flow.next != null && flow.next.isDead()) {
                        flow.next = flow.next.next;
                        size--;
                    }
                }
            }
        }
    }

    private static final VarHandle BUCKET = MethodHandles.arrayElementVarHandle(DatapathFlow[].class);

    private volatile SubTable[] tables = {};
    private volatile int size;

    /** The flow that the packet belongs to, or null. */
    DatapathFlow find(long[] key) {
        SubTable[] present = tables;
        for (int i = 0; i < present.length; i++) {
            DatapathFlow flow = present[i].find(key);
            if (flow != null) {
                present[i].hits++; // Lossy on purpose: only the order of tables follows from it.
                return flow;
            }
        }
        return null;
    }

    /** Adds the flow unless a live one with the same match is there; returns the one that is there afterwards. */
    synchronized DatapathFlow install(DatapathFlow flow, long[] packetKey) {
        for (SubTable table : tables) {
            if (Arrays.equals(table.mask, flow.mask())) {
                DatapathFlow twin = table.find(packetKey);
                if (twin != null) {
                    return twin;
                }
                table.insert(flow);
                size++;
                return flow;
            }
        }
        SubTable table = new SubTable(flow.mask());
        table.insert(flow);
        SubTable[] grown = Arrays.copyOf(tables, tables.length + 1);
        grown[grown.length - 1] = table;
        tables = grown;
        size++;
        return flow;
    }

    /** Kills these flows as far as they live and tells of each. */
    synchronized void removeAll(Collection<DatapathFlow> flows, Consumer<DatapathFlow> removed) {
        Set<SubTable> changed = new HashSet<>();
        for (DatapathFlow flow : flows) {
            if (!flow.isDead()) {
                flow.kill();
                removed.accept(flow);
                for (SubTable table : tables) {
                    if (Arrays.equals(table.mask, flow.mask())) {
                        changed.add(table);
                    }
                }
            }
        }
        changed.forEach(this::sweep);
    }

    private void sweep(SubTable table) {
        int before = table.size;
        table.removeDead();
        size -= before - table.size;
        if (table.size == 0) {
            tables = Arrays.stream(tables).filter(other -> other != table).toArray(SubTable[]::new);
        }
    }

    /** Kills every live flow that the predicate selects and tells of each. */
    synchronized void remove(Predicate<DatapathFlow> selected, Consumer<DatapathFlow> removed) {
        for (SubTable table : tables) {
            for (DatapathFlow flow : table.flows()) {
                if (!flow.isDead() && selected.test(flow)) {
                    flow.kill();
                    removed.accept(flow);
                }
            }
            sweep(table);
        }
    }

    /** Puts the tables that are hit most in front. */
    synchronized void sortByHits() {
        SubTable[] sorted = tables.clone();
        Map<SubTable, Long> hits = new IdentityHashMap<>(); // Readers go on counting while we sort.
        for (SubTable table : sorted) {
            hits.put(table, table.hits);
            table.hits = 0;
        }
        Arrays.sort(sorted, (a, b) -> Long.compare(hits.get(b), hits.get(a)));
        tables = sorted;
    }

    synchronized List<DatapathFlow> flows() {
        List<DatapathFlow> all = new ArrayList<>(size);
        for (SubTable table : tables) {
            all.addAll(table.flows());
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
