package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.IntToLongFunction;
import java.util.stream.Stream;

/**
 * One OpenFlow table: tuple-space search over its rules, one sub-table per mask, with the wildcards that a lookup leaves.
 *
 * <p>A lookup that finds nothing in a sub-table need not have looked at all of its mask. Words are compared in stages (metadata,
 * Ethernet, network, transport); a sub-table keeps how many rules begin with each stage's values, and a lookup that fails at
 * a stage has looked at the words up to that stage only. So a rule on a TCP port does not make the ports of all other
 * packets part of their datapath flows.
 *
 * <p>Threads: under the pipeline's lock.
 */
final class FlowTable {
    private static final int[][] STAGES = stages();

    final int id;
    /** In the order in which masks came: among equal priorities the older is looked at first, as in Open vSwitch. */
    private final Map<MaskKey, SubTable> byMask = new LinkedHashMap<>();
    /** Highest priority first. */
    private List<SubTable> sorted = List.of();
    private int size;
    private final LongAdder lookups = new LongAdder();
    private final LongAdder matched = new LongAdder();

    /** A mask as a map key. */
    private record MaskKey(Match maskOnly) {
    }

    private static int[][] stages() {
        List<Integer> metadata = new ArrayList<>();
        List<Integer> ethernet = List.of(4, 5);
        List<Integer> network = List.of(7, 8, 9, 10, 11, 13, 14);
        List<Integer> transport = List.of(6, 12, 15, 16);
        for (int word = 0; word < FlowKey.WORDS; word++) {
            if (!ethernet.contains(word) && !network.contains(word) && !transport.contains(word)) {
                metadata.add(word);
            }
        }
        return Stream.of(metadata, ethernet, network, transport)
                .map(words -> words.stream().mapToInt(Integer::intValue).toArray()).toArray(int[][]::new);
    }

    /** The rules of one mask. */
    private static final class SubTable {
        final long[] mask;
        /** The mask's words by stage, only those that are not zero. */
        final int[][] stageWords = new int[STAGES.length][];
        /** By the values of all stages: rules with equal values, highest priority first. */
        final Map<Long, List<Rule>> rules = new HashMap<>();
        /** Per stage but the last: hashes of the values so far, and how many rules have them. */
        final List<Map<Long, Integer>> beginnings = new ArrayList<>();
        int maxPriority;
        int size;

        SubTable(long[] mask) {
            this.mask = mask;
            for (int stage = 0; stage < STAGES.length; stage++) {
                stageWords[stage] = Arrays.stream(STAGES[stage]).filter(word -> mask[word] != 0).toArray();
                beginnings.add(new HashMap<>());
            }
        }

        long hash(long sofar, int stage, IntToLongFunction word) {
            long hash = sofar;
            for (int index : stageWords[stage]) {
                hash = (hash ^ (word.applyAsLong(index) & mask[index])) * 0xff51_afd7_ed55_8ccdL;
                hash ^= hash >>> 33;
            }
            return hash;
        }

        void add(Rule rule) {
            long hash = 1;
            for (int stage = 0; stage < STAGES.length; stage++) {
                hash = hash(hash, stage, rule.match::valueWord);
                beginnings.get(stage).merge(hash, 1, Integer::sum);
            }
            List<Rule> equals = rules.computeIfAbsent(hash, h -> new ArrayList<>(1));
            equals.add(rule);
            equals.sort(Comparator.comparingInt((Rule r) -> r.priority).reversed());
            maxPriority = Math.max(maxPriority, rule.priority);
            size++;
        }

        void remove(Rule rule) {
            long hash = 1;
            for (int stage = 0; stage < STAGES.length; stage++) {
                hash = hash(hash, stage, rule.match::valueWord);
                beginnings.get(stage).merge(hash, -1, (a, b) -> a + b == 0 ? null : a + b);
            }
            List<Rule> equals = rules.get(hash);
            equals.remove(rule);
            if (equals.isEmpty()) {
                rules.remove(hash);
            }
            size--;
            if (rule.priority == maxPriority) {
                maxPriority = rules.values().stream().flatMap(List::stream).mapToInt(r -> r.priority).max().orElse(0);
            }
        }

        /** The best rule for the key; adds to {@code wildcards} what was looked at. */
        Rule find(long[] key, long[] wildcards) {
            long hash = 1;
            for (int stage = 0; stage < STAGES.length; stage++) {
                for (int word : stageWords[stage]) {
                    wildcards[word] |= mask[word];
                }
                hash = hash(hash, stage, word -> key[word]);
                if (!beginnings.get(stage).containsKey(hash)) {
                    return null;
                }
            }
            for (Rule rule : rules.get(hash)) {
                if (rule.match.matches(key)) { // The hash may lie.
                    return rule;
                }
            }
            return null;
        }
    }

    FlowTable(int id) {
        this.id = id;
    }

    int size() {
        return size;
    }

    /** Takes note of packets that were looked up here; without the lock. */
    void countLookups(long packets, boolean found) {
        lookups.add(packets);
        if (found) {
            matched.add(packets);
        }
    }

    long lookups() {
        return lookups.sum();
    }

    long matched() {
        return matched.sum();
    }

    /** The rule that a packet of that key meets, null if none; {@code wildcards} gains the bits that decided it. */
    Rule lookup(long[] key, long[] wildcards) {
        Rule best = null;
        for (SubTable table : sorted) {
            if (best != null && table.maxPriority <= best.priority) {
                break;
            }
            Rule found = table.find(key, wildcards);
            if (found != null && (best == null || found.priority > best.priority)) {
                best = found;
            }
        }
        return best;
    }

    /** The rule of just this match and priority, null if none. */
    Rule findExactly(Match match, int priority) {
        SubTable table = byMask.get(maskKey(match));
        if (table == null) {
            return null;
        }
        long hash = 1;
        for (int stage = 0; stage < STAGES.length; stage++) {
            hash = table.hash(hash, stage, match::valueWord);
        }
        for (Rule rule : table.rules.getOrDefault(hash, List.of())) {
            if (rule.priority == priority && rule.match.equals(match)) {
                return rule;
            }
        }
        return null;
    }

    void insert(Rule rule) {
        byMask.computeIfAbsent(maskKey(rule.match), k -> new SubTable(rule.match.copyOfMask())).add(rule);
        size++;
        resort();
    }

    void remove(Rule rule) {
        MaskKey key = maskKey(rule.match);
        SubTable table = byMask.get(key);
        table.remove(rule);
        if (table.size == 0) {
            byMask.remove(key);
        }
        size--;
        resort();
    }

    private void resort() {
        sorted = byMask.values().stream()
                .sorted(Comparator.comparingInt((SubTable table) -> table.maxPriority).reversed()).toList();
    }

    private static MaskKey maskKey(Match match) {
        return new MaskKey(Match.maskOf(match));
    }

    void forEach(Consumer<Rule> visitor) {
        for (SubTable table : sorted) {
            for (List<Rule> rules : table.rules.values()) {
                rules.forEach(visitor);
            }
        }
    }

    List<Rule> rules() {
        List<Rule> all = new ArrayList<>(size);
        forEach(all::add);
        return all;
    }
}
