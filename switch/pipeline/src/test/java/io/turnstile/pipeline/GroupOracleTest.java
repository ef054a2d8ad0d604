package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random groups, links and packets against who chooses by going through the buckets anew for each packet. What a hash
 * chooses is not foretold but for its slots: it has to be live, and to stay while nothing changes.
 */
class GroupOracleTest {
    private static final int GROUPS = 6;
    private static final int PORTS = 6;
    private static final int STEPS = 400;

    private final Map<Integer, GroupMod> groups = new HashMap<>();
    private final Set<Integer> down = new HashSet<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void packetsLeaveAsTheBucketsSay(long seed) throws OfException {
        Random random = new Random(seed);
        PipelineBench bench = new PipelineBench(PORTS);
        for (int id = 1; id <= GROUPS; id++) {
            change(bench, GroupMod.Command.ADD, id, random);
        }
        for (int id = 1; id <= GROUPS; id++) {
            bench.flows("tcp,tp_dst=" + id + ",actions=group:" + id);
        }
        Map<String, List<String>> chosen = new HashMap<>();
        for (int step = 0; step < STEPS; step++) {
            int what = random.nextInt(10);
            if (what == 0) {
                change(bench, GroupMod.Command.MODIFY, 1 + random.nextInt(GROUPS), random);
                chosen.clear();
            } else if (what == 1) {
                toggle(bench, 2 + random.nextInt(PORTS - 1));
                chosen.clear();
            } else {
                int id = 1 + random.nextInt(GROUPS);
                byte[] frame = Frames.tcp("10.0.0." + (1 + random.nextInt(5)) + ":" + (1 + random.nextInt(9))
                                + " > 10.0.1.1:" + id)
                        .syn()
                        .bytes();
                List<String> sent = bench.receive(1, frame);
                long[] key = PipelineBench.keyOf(1, frame);
                assertThat(possible(id, key)).as("seed %d step %d", seed, step).contains(sent);
                List<String> before =
                        chosen.putIfAbsent(id + " " + Field.NW_SRC.get(key) + " " + Field.TP_SRC.get(key), sent);
                assertThat(before == null ? sent : before)
                        .as("seed %d step %d", seed, step)
                        .isEqualTo(sent);
            }
        }
    }

    private void toggle(PipelineBench bench, int number) {
        boolean goesDown = down.add(number);
        if (!goesDown) {
            down.remove(number);
        }
        OfPort port = bench.br0.ports().stream()
                .filter(one -> one.number() == number)
                .findFirst()
                .orElseThrow();
        bench.br0.updatePort(port.withState(goesDown ? OfPort.STATE_LINK_DOWN : 0));
    }

    /** Groups lead to and watch those of higher numbers only. */
    private void change(PipelineBench bench, GroupMod.Command command, int id, Random random) throws OfException {
        GroupType type = GroupType.values()[random.nextInt(GroupType.values().length)];
        int count = type == GroupType.INDIRECT ? 1 : random.nextInt(4);
        List<GroupBucket> buckets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean watches = type == GroupType.FAST_FAILOVER || type == GroupType.SELECT && random.nextBoolean();
            boolean watchesGroup = watches && id < GROUPS && random.nextInt(3) == 0;
            OfAction action = id < GROUPS && random.nextInt(3) == 0
                    ? new OfAction.Group(id + 1 + random.nextInt(GROUPS - id))
                    : new OfAction.Output(2 + random.nextInt(PORTS - 1));
            buckets.add(new GroupBucket(
                    i,
                    type == GroupType.SELECT ? random.nextInt(4) : 0,
                    watches && !watchesGroup ? 2 + random.nextInt(PORTS - 1) : Ports.NONE,
                    watchesGroup ? id + 1 + random.nextInt(GROUPS - id) : GroupMod.ANY,
                    List.of(action)));
        }
        SelectionMethod method = type != GroupType.SELECT || random.nextBoolean()
                ? null
                : new SelectionMethod(SelectionMethod.Method.HASH, random.nextInt(), List.of());
        GroupMod mod = new GroupMod(command, type, id, GroupBucket.ALL, buckets, method);
        bench.br0.apply(mod);
        groups.put(id, mod);
    }

    private boolean isLive(GroupType type, GroupBucket bucket) {
        if (type == GroupType.SELECT && bucket.weight() == 0) {
            return false;
        }
        boolean port = bucket.watchPort() != Ports.NONE && !down.contains(bucket.watchPort());
        boolean group = bucket.watchGroup() != GroupMod.ANY
                && groups.containsKey(bucket.watchGroup())
                && groups.get(bucket.watchGroup()).buckets().stream()
                        .anyMatch(one -> isLive(groups.get(bucket.watchGroup()).type(), one));
        return !bucket.watches() || port || group;
    }

    /** The lists of ports by which the packet may leave. */
    private List<List<String>> possible(int id, long[] key) {
        GroupMod group = groups.get(id);
        if (group == null) {
            return List.of(List.of());
        }
        List<GroupBucket> live = group.buckets().stream()
                .filter(bucket -> isLive(group.type(), bucket))
                .toList();
        return switch (group.type()) {
            case ALL, INDIRECT -> {
                List<List<String>> ways = List.of(List.of());
                for (GroupBucket bucket : group.buckets()) {
                    ways = together(ways, through(bucket, key));
                }
                yield ways;
            }
            case FAST_FAILOVER -> live.isEmpty() ? List.of(List.of()) : through(live.getFirst(), key);
            case SELECT -> {
                if (live.isEmpty()) {
                    yield List.of(List.of());
                }
                BucketSlots slots = group.selection() == null ? BucketSlots.of(group.buckets()) : null;
                if (slots != null) {
                    int hash = HashAlgorithm.SYMMETRIC_L4.hash(key, 0);
                    int place = slots.bucket(hash);
                    for (int i = 1; !isLive(group.type(), group.buckets().get(place)); i++) {
                        place = slots.bucket(hash + i);
                    }
                    yield through(group.buckets().get(place), key);
                }
                List<List<String>> ways = new ArrayList<>();
                live.forEach(bucket -> ways.addAll(through(bucket, key)));
                yield ways;
            }
        };
    }

    private static List<List<String>> together(List<List<String>> first, List<List<String>> second) {
        List<List<String>> all = new ArrayList<>();
        for (List<String> a : first) {
            for (List<String> b : second) {
                List<String> both = new ArrayList<>(a);
                both.addAll(b);
                all.add(both);
            }
        }
        return all;
    }

    private List<List<String>> through(GroupBucket bucket, long[] key) {
        return switch (bucket.actions().getFirst()) {
            case OfAction.Output output -> List.of(List.of(Integer.toString(output.port())));
            case OfAction.Group next -> possible(next.groupId(), key);
            default -> throw new AssertionError(bucket);
        };
    }
}
