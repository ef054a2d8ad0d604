package io.turnstile.pipeline;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchMask;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The rules of one table that share a mask.
 *
 * <p>A lookup notes in the wildcards only what it had to look at. A miss among few rules needs one differing word for
 * each, of an address the {@linkplain AddressPrefix leading bits} of it; a miss among many is decided stage by stage
 * (what is not in the packet, Ethernet, network, transport): if no rule has the packet's values up to a stage, later
 * stages have not been looked at. So a rule on a TCP port does not make every UDP packet's flow depend on its ports.
 *
 * <p>Rules that packets do not meet yet, or no more, count as rules here for all but the answer: then a lookup may note
 * more than it had to, which is never wrong.
 *
 * <p>Threads: under the table lock.
 */
final class SubTable {
    private static final int FEW_RULES = 4;
    private static final int FEWEST_PLACES = 4;

    private final MatchMask mask;
    /** For each stage but the last: how many rules have these values up to there. */
    private final PrefixCounts[] prefixes;

    private @Nullable Rule[] rules = new Rule[FEWEST_PLACES];
    private int size;
    private final HashChains<Rule> byHash = new HashChains<>();
    /** How many rules have which priority. */
    private final TreeMap<Integer, int[]> priorities = new TreeMap<>();

    private int maxPriority;

    SubTable(MatchMask mask) {
        this.mask = mask;
        this.prefixes = new PrefixCounts[Math.max(0, mask.stages() - 1)];
        Arrays.setAll(prefixes, _ -> new PrefixCounts());
    }

    MatchMask mask() {
        return mask;
    }

    /** No rule's is higher; 0 if there is none. */
    int maxPriority() {
        return maxPriority;
    }

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    /** The rules, in no order; holds until one comes or goes. */
    Rule rule(int index) {
        return Objects.requireNonNull(rules[index], "there are rules up to the size");
    }

    /** A copy of the list of rules. */
    Rule[] copyOfRules() {
        return Arrays.copyOf(rules, size, Rule[].class);
    }

    // ---- lookup ----

    /**
     * The rule of highest priority that the key meets, or null; {@code wildcards} gets the bits that decided it.
     *
     * @param switched whether the change that is being made has taken effect
     */
    @Nullable
    Rule find(long[] key, long[] wildcards, boolean switched) {
        return size <= FEW_RULES ? findAmongFew(key, wildcards, switched) : findStaged(key, wildcards, switched);
    }

    /** All rules that the key meets, in no order, of those that packets meet; notes what {@link #find} would note. */
    void findAll(long[] key, long[] wildcards, boolean switched, List<Rule> into) {
        if (find(key, wildcards, switched) == null) {
            return;
        }
        for (Rule rule = byHash.first(KeyHash.of(mask, key)); rule != null; rule = byHash.next(rule)) {
            if (rule.isMet(switched) && rule.match.matches(key)) {
                into.add(rule);
            }
        }
    }

    private @Nullable Rule findAmongFew(long[] key, long[] wildcards, boolean switched) {
        Rule best = null;
        for (int i = 0; i < size; i++) {
            Rule rule = rule(i);
            if (!rule.match.matches(key)) {
                noteDifference(rule, key, wildcards);
            } else if (rule.isMet(switched)) {
                best = best == null || rule.priority > best.priority ? rule : best;
            }
        }
        if (best != null) {
            note(mask.length(), wildcards);
        }
        return best;
    }

    /** One word in which the key differs from the rule; nothing if the bits noted so far tell it already. */
    private void noteDifference(Rule rule, long[] key, long[] wildcards) {
        int first = -1;
        long firstDifference = 0;
        for (int i = 0; i < mask.length(); i++) {
            int word = mask.wordAt(i);
            long difference = (rule.match.valueAt(i) ^ key[word]) & mask.bitsAt(i);
            if ((difference & wildcards[word]) != 0) {
                return;
            }
            if (difference != 0 && first < 0) {
                first = i;
                firstDifference = difference;
            }
        }
        AddressPrefix.note(mask, first, firstDifference, wildcards);
    }

    private @Nullable Rule findStaged(long[] key, long[] wildcards, boolean switched) {
        long hash = FlowKey.HASH_SEED;
        int index = 0;
        for (int stage = 0; stage < mask.stages(); stage++) {
            for (int end = mask.stageEnd(stage); index < end; index++) {
                hash = FlowKey.hash(hash, key[mask.wordAt(index)] & mask.bitsAt(index));
            }
            if (stage < prefixes.length && !prefixes[stage].contains(hash)) {
                note(index, wildcards);
                return null;
            }
        }
        note(mask.length(), wildcards);
        Rule best = null;
        for (Rule rule = byHash.first(hash); rule != null; rule = byHash.next(rule)) {
            if (rule.hash == hash
                    && (best == null || rule.priority > best.priority)
                    && rule.isMet(switched)
                    && rule.match.matches(key)) {
                best = rule;
            }
        }
        return best;
    }

    private void note(int length, long[] wildcards) {
        for (int i = 0; i < length; i++) {
            wildcards[mask.wordAt(i)] |= mask.bitsAt(i);
        }
    }

    /** The rule of this very match and priority that the changer has there, or null. */
    @Nullable
    Rule findExact(Match match, int priority) {
        long hash = KeyHash.of(match);
        for (Rule rule = byHash.first(hash); rule != null; rule = byHash.next(rule)) {
            if (rule.hash == hash && rule.priority == priority && rule.isPresent() && rule.match.equals(match)) {
                return rule;
            }
        }
        return null;
    }

    // ---- change ----

    void insert(Rule rule) {
        if (size == rules.length) {
            rules = Arrays.copyOf(rules, size * 2);
        }
        rule.listIndex = size;
        rules[size++] = rule;
        byHash.link(rule);
        forEachPrefix(rule, PrefixCounts::add);
        priorities.computeIfAbsent(rule.priority, _ -> new int[1])[0]++;
        maxPriority = Math.max(maxPriority, rule.priority);
    }

    void remove(Rule rule) {
        Rule last = rule(--size);
        rules[size] = null;
        if (last != rule) {
            rules[rule.listIndex] = last;
            last.listIndex = rule.listIndex;
        }
        if (size < rules.length / 4 && rules.length > FEWEST_PLACES) {
            rules = Arrays.copyOf(rules, rules.length / 2);
        }
        byHash.unlink(rule);
        forEachPrefix(rule, PrefixCounts::remove);
        int[] ofPriority = Objects.requireNonNull(priorities.get(rule.priority), "the rule's priority was counted");
        if (--ofPriority[0] == 0) {
            priorities.remove(rule.priority);
            maxPriority = priorities.isEmpty() ? 0 : priorities.lastKey();
        }
    }

    /** Changes the counts of each stage but the last by the hash of the rule's values up to there. */
    private void forEachPrefix(Rule rule, ObjLongConsumer<PrefixCounts> change) {
        long hash = FlowKey.HASH_SEED;
        int index = 0;
        for (int stage = 0; stage < prefixes.length; stage++) {
            for (int end = mask.stageEnd(stage); index < end; index++) {
                hash = FlowKey.hash(hash, rule.match.valueAt(index));
            }
            change.accept(prefixes[stage], hash);
        }
    }
}
