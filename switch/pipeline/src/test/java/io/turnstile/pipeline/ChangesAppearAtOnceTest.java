package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.OpenFlowSwitch.BundleException;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowQuery;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Changes of any size, some refused, while others look things up between any two steps of a change: whatever they see
 * is what a plain list of flows says for one version, never a mixture.
 */
class ChangesAppearAtOnceTest {
    private static final int TABLES = 3;
    private static final int CHANGES = 400;
    private static final int MOST_CHANGES = 200 * CHANGES;
    private static final int READERS = 2;

    /** A flow of the model. Its cookie is its own. */
    private record Flow(int table, FlowMod definition, long cookie) {
        boolean isAt(int otherTable, Match match, int priority) {
            return table == otherTable
                    && definition.priority() == priority
                    && definition.match().equals(match);
        }

        boolean isIn(FlowMod change) {
            return (change.tableId() == FlowMod.ALL_TABLES || change.tableId() == table)
                    && change.match().covers(definition.match());
        }
    }

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final PipelineBench bench = new PipelineBench(3);
    private final Map<Integer, List<Flow>> versions = new ConcurrentHashMap<>(Map.of(0, List.of()));
    private final AtomicInteger started = new AtomicInteger();
    private final AtomicInteger completed = new AtomicInteger();
    private final AtomicInteger amidChanges = new AtomicInteger();
    private final AtomicReference<String> mixture = new AtomicReference<>();
    private volatile boolean stopped;
    private long lastCookie;

    // ---- what is changed ----

    /** Each has a priority of its own, so that there is one best flow for each packet. */
    private static final List<String> MATCHES = matches();

    private static List<String> matches() {
        List<String> matches = new ArrayList<>(List.of("", "ip", "udp", "tcp", "ip,nw_dst=10.0.0.0/30", "in_port=1"));
        for (int i = 0; i < 8; i++) {
            matches.add("udp,tp_dst=" + i % 4 + (i < 4 ? "" : ",nw_dst=10.0.0." + i % 4));
            matches.add("ip,nw_src=10.0.0." + i % 4 + (i < 4 ? "" : ",in_port=2"));
            matches.add("ip,nw_dst=10.0.0." + i);
        }
        return matches;
    }

    private FlowMod add(int table, int match, String actions) {
        return PipelineBench.parse(
                FlowMod.Command.ADD,
                "cookie=%d,table=%d,priority=%d,%s,actions=%s"
                        .formatted(++lastCookie, table, 10 + match, MATCHES.get(match), actions));
    }

    private FlowMod randomChange() {
        int table = random.nextInt(TABLES);
        int match = random.nextInt(MATCHES.size());
        int kind = random.nextInt(12);
        if (kind < 6) {
            return add(table, match, "output:" + (1 + random.nextInt(3)));
        }
        String selection = "table=" + table + "," + MATCHES.get(match);
        FlowMod change = PipelineBench.parse(
                kind < 8 ? FlowMod.Command.MODIFY : kind < 10 ? FlowMod.Command.DELETE_STRICT : FlowMod.Command.DELETE,
                kind < 8
                        ? selection + ",actions=output:" + (1 + random.nextInt(3))
                        : kind < 10 ? "priority=" + (10 + match) + "," + selection : selection);
        return kind < 8 ? withNewCookie(change, ++lastCookie) : change;
    }

    private static FlowMod withNewCookie(FlowMod change, long cookie) {
        return new FlowMod(
                change.command(),
                change.tableId(),
                change.priority(),
                change.match(),
                0,
                1, // With a mask nothing is added if there is nothing to be modified; cookies' lowest bit tells.
                cookie,
                0,
                0,
                0,
                change.outPort(),
                change.flags(),
                change.actions());
    }

    /** The change as a list of flows has it. */
    private static void apply(FlowMod change, List<Flow> flows) {
        switch (change.command()) {
            case ADD -> {
                flows.removeIf(flow -> flow.isAt(change.tableId(), change.match(), change.priority()));
                flows.add(new Flow(change.tableId(), change, change.cookie()));
            }
            case MODIFY ->
                flows.replaceAll(flow -> flow.isIn(change) && (flow.cookie & 1) == 0
                        ? new Flow(flow.table, flow.definition, change.newCookie())
                        : flow);
            case DELETE -> flows.removeIf(flow -> flow.isIn(change));
            case DELETE_STRICT ->
                flows.removeIf(flow -> flow.isAt(change.tableId(), change.match(), change.priority()));
            case MODIFY_STRICT -> throw new AssertionError("not made here");
        }
    }

    private void change() throws BundleException {
        int version = started.get();
        List<FlowMod> changes = new ArrayList<>();
        List<Flow> flows = new ArrayList<>(versions.get(version));
        for (int i = 1 + random.nextInt(random.nextBoolean() ? 1 : 30); i > 0; i--) {
            FlowMod change = randomChange();
            changes.add(change);
            apply(change, flows);
        }
        if (random.nextInt(4) == 0) {
            changes.add(PipelineBench.parse(FlowMod.Command.ADD, "table=9,actions=goto_table:9"));
            try {
                bench.br0.applyAll(changes);
                throw new AssertionError("a flow that goes back is let in");
            } catch (BundleException refused) {
                assertThat(refused.index()).isEqualTo(changes.size() - 1);
            }
            assertThat(dump()).as("after a refusal, seed %d", seed).isEqualTo(cookies(versions.get(version)));
            return;
        }
        versions.put(version + 1, List.copyOf(flows));
        started.set(version + 1);
        bench.br0.applyAll(changes.iterator(), ChangeOrigin.NONE);
        completed.set(version + 1);
        versions.remove(version - 5);
    }

    // ---- what is seen ----

    /** The cookies of the flows that a packet meets in each table, -1 for none. */
    private static List<Long> expected(List<Flow> flows, long[] key) {
        List<Long> met = new ArrayList<>();
        for (int table = 0; table < TABLES; table++) {
            Flow best = null;
            for (Flow flow : flows) {
                if (flow.table == table
                        && flow.definition.match().matches(key)
                        && (best == null || flow.definition.priority() > best.definition.priority())) {
                    best = flow;
                }
            }
            met.add(best == null ? -1 : best.cookie);
        }
        return met;
    }

    private List<Long> seen(long[] key) {
        return bench.pipeline.read(() -> {
            List<Long> met = new ArrayList<>();
            for (int table = 0; table < TABLES; table++) {
                Rule rule = bench.br0.table(table).find(key, FlowKey.newKey(), new ArrayList<>());
                met.add(rule == null ? -1 : rule.cookie);
            }
            return met;
        });
    }

    private static TreeSet<Long> cookies(List<Flow> flows) {
        TreeSet<Long> cookies = new TreeSet<>();
        flows.forEach(flow -> cookies.add(flow.cookie * 4 + flow.table));
        return cookies;
    }

    private TreeSet<Long> dump() {
        TreeSet<Long> cookies = new TreeSet<>();
        FlowCursor cursor =
                bench.br0.flowsInTurn(new FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE));
        boolean more = true;
        while (more) {
            more = cursor.advance(3, (FlowStats flow) -> cookies.add(flow.cookie() * 4 + flow.tableId()));
        }
        return cookies;
    }

    private List<Integer> counts() {
        return bench.br0.tables().stream()
                .limit(TABLES)
                .map(TableStats::activeCount)
                .toList();
    }

    private static List<Integer> counts(List<Flow> flows) {
        List<Integer> counts = new ArrayList<>();
        for (int table = 0; table < TABLES; table++) {
            int number = table;
            counts.add((int) flows.stream().filter(flow -> flow.table == number).count());
        }
        return counts;
    }

    /** Compares with the versions that there can have been at the time. */
    private <T> void compare(Supplier<T> look, Function<List<Flow>, T> model) {
        int before = completed.get();
        T seen = look.get();
        int after = started.get();
        amidChanges.addAndGet(after > before ? 1 : 0);
        for (int version = before; version <= after; version++) {
            List<Flow> flows = versions.get(version);
            if (flows == null || seen.equals(model.apply(flows))) {
                return;
            }
        }
        mixture.compareAndSet(
                null,
                "seed " + seed + ": " + seen + " is of no version from " + before + " to " + after + ": "
                        + model.apply(versions.get(after)));
    }

    private void look(int reader) {
        Random own = new Random(seed + 1 + reader);
        RandomFlows packets = new RandomFlows(seed + 1 + reader);
        while (!stopped) {
            long[] key = PipelineBench.keyOf(packets.port() - 100, packets.frame());
            switch (own.nextInt(20)) {
                case 0 -> compare(this::dump, ChangesAppearAtOnceTest::cookies);
                case 1 -> compare(this::counts, ChangesAppearAtOnceTest::counts);
                default -> compare(() -> seen(key), flows -> expected(flows, key));
            }
        }
    }

    @Test
    @Timeout(60)
    void whateverIsSeenIsOfOneVersion() throws Exception {
        bench.pipeline.setSliceNs(0);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            int reader = i;
            readers.add(Thread.ofPlatform().start(() -> look(reader)));
        }
        try {
            // Where readers hardly have a turn, more changes are made until they have looked often enough.
            for (int i = 0; (i < CHANGES || amidChanges.get() <= CHANGES) && i < MOST_CHANGES; i++) {
                change();
                if (mixture.get() != null) {
                    break;
                }
            }
        } finally {
            stopped = true;
            for (Thread reader : readers) {
                reader.join();
            }
        }
        assertThat(mixture.get()).isNull();
        assertThat(dump()).as("seed %d", seed).isEqualTo(cookies(versions.get(started.get())));
        assertThat(amidChanges.get()).as("looks in the middle of a change").isGreaterThan(CHANGES);
    }
}
