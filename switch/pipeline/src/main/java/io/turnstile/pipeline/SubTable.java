package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Match;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table that share a mask.
 *
 * <p>A lookup notes in the wildcards only what it had to look at. A miss among few rules needs one differing word for
 * each; a miss among many is decided stage by stage (what is not in the packet, Ethernet, network, transport): if no
 * rule has the packet's values up to a stage, later stages have not been looked at. So a rule on a TCP port does not
 * make every UDP packet's flow depend on its ports.
 *
 * <p>Threads: under the table lock.
 */
final class SubTable {
    private static final int FEW_RULES = 4;
    private static final int FIRST_BUCKETS = 8;
    private static final long HASH_SEED = 0x9e37_79b9_7f4a_7c15L;
    private static final int[][] STAGES = FlowKey.stages();

    final long[] mask;
    /** Words that the mask touches, in the order of the stages. */
    private final int[] words;
    /** For each stage that has words: one past its last index in {@link #words}. */
    private final int[] stageEnds;
    /** For each stage but the last: how many rules have these values up to there. */
    private final List<Map<Long, Integer>> prefixes = new ArrayList<>();

    private final List<Rule> rules = new ArrayList<>();
    private Rule[] buckets = new Rule[FIRST_BUCKETS];
    /** How many rules have which priority. */
    private final TreeMap<Integer, Integer> priorities = new TreeMap<>();

    SubTable(Match match) {
        mask = match.copyOfMask();
        int[] touched = new int[FlowKey.WORDS];
        int[] ends = new int[STAGES.length];
        int length = 0;
        int stages = 0;
        for (int[] stage : STAGES) {
            int before = length;
            for (int word : stage) {
                if (mask[word] != 0) {
                    touched[length++] = word;
                }
            }
            if (length > before) {
                ends[stages++] = length;
            }
        }
        words = Arrays.copyOf(touched, length);
        stageEnds = Arrays.copyOf(ends, stages);
        for (int i = 0; i < stages - 1; i++) {
            prefixes.add(new HashMap<>());
        }
    }

    int maxPriority() {
        return priorities.isEmpty() ? 0 : priorities.lastKey();
    }

    boolean isEmpty() {
        return rules.isEmpty();
    }

    List<Rule> rules() {
        return rules;
    }

    boolean hasMaskOf(Match match) {
        for (int i = 0; i < FlowKey.WORDS; i++) {
            if (mask[i] != match.maskWord(i)) {
                return false;
            }
        }
        return true;
    }

    // ---- lookup ----

    /** The rule of highest priority that the key meets, or null; {@code wildcards} gets the bits that decided it. */
    @Nullable
    Rule find(long[] key, long[] wildcards) {
        return rules.size() <= FEW_RULES ? findAmongFew(key, wildcards) : findStaged(key, wildcards);
    }

    private @Nullable Rule findAmongFew(long[] key, long[] wildcards) {
        Rule best = null;
        for (int i = 0; i < rules.size(); i++) {
            Rule rule = rules.get(i);
            if (rule.match.matches(key)) {
                best = best == null || rule.priority > best.priority ? rule : best;
            } else {
                noteDifference(rule, key, wildcards);
            }
        }
        if (best != null) {
            note(words.length, wildcards);
        }
        return best;
    }

    /** One word in which the key differs from the rule; nothing if the bits noted so far tell it already. */
    private void noteDifference(Rule rule, long[] key, long[] wildcards) {
        int first = -1;
        for (int word : words) {
            long difference = (rule.match.valueWord(word) ^ key[word]) & mask[word];
            if ((difference & wildcards[word]) != 0) {
                return;
            }
            if (difference != 0 && first < 0) {
                first = word;
            }
        }
        wildcards[first] |= mask[first];
    }

    private @Nullable Rule findStaged(long[] key, long[] wildcards) {
        long hash = HASH_SEED;
        int index = 0;
        for (int stage = 0; stage < stageEnds.length; stage++) {
            while (index < stageEnds[stage]) {
                int word = words[index++];
                hash = mix(hash, key[word] & mask[word]);
            }
            if (stage < prefixes.size() && !prefixes.get(stage).containsKey(hash)) {
                note(index, wildcards);
                return null;
            }
        }
        note(words.length, wildcards);
        Rule best = null;
        for (Rule rule = buckets[bucketOf(hash)]; rule != null; rule = rule.nextInBucket) {
            if (rule.maskedHash == hash && (best == null || rule.priority > best.priority) && rule.match.matches(key)) {
                best = rule;
            }
        }
        return best;
    }

    private void note(int length, long[] wildcards) {
        for (int i = 0; i < length; i++) {
            wildcards[words[i]] |= mask[words[i]];
        }
    }

    @Nullable
    Rule findExact(Match match, int priority) {
        for (Rule rule = buckets[bucketOf(hashOf(match))]; rule != null; rule = rule.nextInBucket) {
            if (rule.priority == priority && rule.match.equals(match)) {
                return rule;
            }
        }
        return null;
    }

    // ---- change ----

    void insert(Rule rule) {
        rule.maskedHash = hashOf(rule.match);
        rule.listIndex = rules.size();
        rules.add(rule);
        if (rules.size() > buckets.length) {
            grow();
        } else {
            link(rule);
        }
        countPrefixes(rule, 1);
        priorities.merge(rule.priority, 1, Integer::sum);
    }

    void remove(Rule rule) {
        Rule last = rules.removeLast();
        if (last != rule) {
            rules.set(rule.listIndex, last);
            last.listIndex = rule.listIndex;
        }
        int bucket = bucketOf(rule.maskedHash);
        if (buckets[bucket] == rule) {
            buckets[bucket] = rule.nextInBucket;
        } else {
            Rule before = buckets[bucket];
            while (before.nextInBucket != rule) {
                before = Objects.requireNonNull(before.nextInBucket, "a rule of the table is in its bucket's chain");
            }
            before.nextInBucket = rule.nextInBucket;
        }
        rule.nextInBucket = null;
        countPrefixes(rule, -1);
        priorities.merge(rule.priority, -1, (a, b) -> a + b == 0 ? null : a + b);
    }

    private void grow() {
        buckets = new Rule[buckets.length * 2];
        rules.forEach(this::link);
    }

    private void link(Rule rule) {
        int bucket = bucketOf(rule.maskedHash);
        rule.nextInBucket = buckets[bucket];
        buckets[bucket] = rule;
    }

    private void countPrefixes(Rule rule, int delta) {
        long hash = HASH_SEED;
        int index = 0;
        for (int stage = 0; stage < prefixes.size(); stage++) {
            while (index < stageEnds[stage]) {
                hash = mix(hash, rule.match.valueWord(words[index++]));
            }
            prefixes.get(stage).merge(hash, delta, (a, b) -> a + b == 0 ? null : a + b);
        }
    }

    private long hashOf(Match match) {
        long hash = HASH_SEED;
        for (int word : words) {
            hash = mix(hash, match.valueWord(word));
        }
        return hash;
    }

    private static long mix(long hash, long word) {
        long mixed = (hash ^ word) * 0xff51_afd7_ed55_8ccdL;
        return mixed ^ (mixed >>> 32);
    }

    private int bucketOf(long hash) {
        return (int) hash & (buckets.length - 1);
    }
}
