package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Which installed datapath flows went by what: found by (bridge, table) and by (bridge, MAC entry), so that a change looks at those
 * only.
 *
 * <p>Threads: any; written under the flow cache's lock.
 */
final class Dependents {
    private final Map<Object, Set<DatapathFlow>> flows = new ConcurrentHashMap<>();

    private record TableKey(BridgePipeline bridge, int tableId) {
    }

    private record MacKey(BridgePipeline bridge, MacTable.Key key) {
    }

    void add(DatapathFlow flow, TranslationRecord record) {
        keysOf(record).forEach(key -> flows.computeIfAbsent(key, k -> ConcurrentHashMap.newKeySet()).add(flow));
    }

    void remove(DatapathFlow flow, TranslationRecord record) {
        keysOf(record).forEach(key -> flows.computeIfPresent(key, (k, set) -> {
            set.remove(flow);
            return set.isEmpty() ? null : set;
        }));
    }

    private static Set<Object> keysOf(TranslationRecord record) {
        Set<Object> keys = new HashSet<>();
        record.lookups.forEach(lookup -> keys.add(new TableKey(lookup.bridge(), lookup.tableId())));
        record.macs.forEach(use -> keys.add(new MacKey(use.bridge(), use.key())));
        return keys;
    }

    private Set<DatapathFlow> at(Object key) {
        return flows.getOrDefault(key, Set.of());
    }

    /** Flows whose walk a new rule may divert. */
    List<DatapathFlow> thatMayMeet(BridgePipeline bridge, int tableId, Match match, int priority) {
        return at(new TableKey(bridge, tableId)).stream()
                .filter(flow -> ((TranslationRecord) flow.owner()).mayMeet(bridge, tableId, match, priority)).toList();
    }

    /** Flows whose walk met the rule. */
    List<DatapathFlow> thatMet(BridgePipeline bridge, Rule rule) {
        return at(new TableKey(bridge, rule.tableId)).stream()
                .filter(flow -> ((TranslationRecord) flow.owner()).met(rule)).toList();
    }

    Set<DatapathFlow> of(BridgePipeline bridge, MacTable.Key key) {
        return Set.copyOf(at(new MacKey(bridge, key)));
    }

    /** Flows whose walk touched the bridge at all. */
    Set<DatapathFlow> of(BridgePipeline bridge) {
        return flows.entrySet().stream()
                .filter(entry -> entry.getKey() instanceof TableKey key && key.bridge() == bridge)
                .flatMap(entry -> entry.getValue().stream()).collect(Collectors.toSet());
    }
}
