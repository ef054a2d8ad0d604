package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.EtherTypes;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where a frame goes, and with which tags: an oracle works that out for each frame anew, from the ports' settings and
 * the list of tags, while the switch forwards most frames by the datapath flows of those before.
 */
class NormalVlanOracleTest {
    private static final int PORTS = 8;
    private static final int ROUNDS = 25;
    private static final int FRAMES = 120;
    private static final int[] VLANS = {0, 0, 10, 11, 12};
    private static final int[] STATIONS = {2, 4, 6, 8};
    private static final int GROUP = 0x01_00;

    private final Random random;
    private final Map<Integer, PortVlan> settings = new TreeMap<>();
    private final Map<String, Integer> learned = new HashMap<>();
    private int limit;

    NormalVlanOracleTest() {
        random = new Random(0);
    }

    /** One tag; of what the switch has not looked at there is none here. */
    private record Tag(int type, int vlan, int priority) {
        boolean saysNothing() {
            return vlan == 0 && priority == 0;
        }

        int tci() {
            return priority << 13 | vlan;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void framesGoWhereTheOracleSays(long seed) {
        random.setSeed(seed);
        PipelineBench bench = new PipelineBench(PORTS);
        bench.flows("actions=NORMAL");
        for (int round = 0; round < ROUNDS; round++) {
            limit = 1 + random.nextInt(2);
            bench.datapath.setVlanLimit(limit);
            configure(bench);
            for (int i = 0; i < FRAMES; i++) {
                check(bench, seed, round);
            }
        }
    }

    /** Some ports get other settings, all of them in the first round. */
    private void configure(PipelineBench bench) {
        boolean first = settings.isEmpty();
        List<PortBundle> bundles = new ArrayList<>();
        for (int port = 1; port <= PORTS; port++) {
            PortVlan before = settings.get(port);
            PortVlan now = before == null || random.nextInt(4) == 0 ? randomSettings() : before;
            settings.put(port, now);
            bundles.add(new PortBundle("p" + port, List.of("p" + port), now));
            if (!first && !now.equals(before)) {
                int changed = port;
                learned.values().removeIf(location -> location == changed);
            }
        }
        bench.br0.setBundles(bundles);
    }

    private PortVlan randomSettings() {
        return PortVlan.of(
                VlanMode.values()[random.nextInt(VlanMode.values().length)],
                VLANS[random.nextInt(VLANS.length)],
                randomSet(),
                randomSet(),
                PriorityTags.values()[random.nextInt(PriorityTags.values().length)],
                random.nextBoolean() ? EtherTypes.VLAN : EtherTypes.QINQ);
    }

    private VlanSet randomSet() {
        return random.nextInt(3) == 0
                ? VlanSet.ALL
                : VlanSet.of(Set.of(0L, 10L, 11L, 12L).stream()
                        .filter(_ -> random.nextBoolean())
                        .toList());
    }

    private void check(PipelineBench bench, long seed, int round) {
        int port = 1 + random.nextInt(PORTS);
        int source = STATIONS[random.nextInt(STATIONS.length)];
        int destination = random.nextInt(3) == 0 ? GROUP : STATIONS[random.nextInt(STATIONS.length)];
        List<Tag> tags = new ArrayList<>();
        for (int depth = random.nextInt(3); depth > 0; depth--) {
            tags.add(new Tag(
                    random.nextInt(4) == 0 ? EtherTypes.QINQ : EtherTypes.VLAN,
                    VLANS[random.nextInt(VLANS.length)],
                    random.nextInt(3)));
        }
        if (tags.size() == 2 && tags.get(1).saysNothing()) {
            tags.set(1, new Tag(EtherTypes.VLAN, 10, 0)); // which Open vSwitch leaves out, and we do not
        }
        byte[] frame = frame(source, destination, tags, tags.size());
        List<String> expected = expected(port, source, destination, tags);
        List<String> ports = bench.receive(port, frame);
        bench.pass(Duration.ofMillis(1)); // A station that has moved is learned now if a datapath flow has met it.
        List<String> actual = new ArrayList<>();
        for (int i = 0; i < ports.size(); i++) {
            actual.add(ports.get(i) + ":"
                    + HexFormat.of().formatHex(bench.sentFrames().get(i)));
        }
        assertThat(actual)
                .as(
                        "seed %d round %d, limit %d: %s by port %d %s with %s",
                        seed, round, limit, tags, port, settings, HexFormat.of().formatHex(frame))
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    private static byte[] frame(int source, int destination, List<Tag> tags, int count) {
        ByteBuffer frame = ByteBuffer.allocate(14 + 4 * count + 46);
        frame.putShort((short) (destination >= GROUP ? 0x0100 : 0)).putInt(destination & 0xff);
        frame.putShort((short) 0).putInt(source);
        for (Tag tag : tags.subList(0, count)) {
            frame.putShort((short) tag.type).putShort((short) tag.tci());
        }
        frame.putShort((short) 0xabcd);
        return frame.array();
    }

    // ---- the oracle ----

    private List<String> expected(int port, int source, int destination, List<Tag> all) {
        List<Tag> tags = all.subList(0, Math.min(limit, all.size()));
        List<Tag> payload = all.subList(tags.size(), all.size());
        PortVlan in = settings.get(port);
        if (!mayComeIn(in, vlan(tags, 0))) {
            return List.of();
        }
        List<Tag> inside = inside(in, tags);
        int vlan = vlan(inside, 0);
        learned.put(vlan + "/" + source, port);
        Integer station = destination >= GROUP ? null : learned.get(vlan + "/" + destination);
        Map<Integer, List<Tag>> out = new TreeMap<>();
        if (station == null) {
            settings.forEach((number, other) -> {
                if (number != port && isIn(other, inside)) {
                    out.put(number, outside(in, other, inside, tags));
                }
            });
        } else if (station != port) {
            out.put(station, outside(in, settings.get(station), inside, tags));
        }
        return out.entrySet().stream()
                .map(each -> {
                    List<Tag> leaving = new ArrayList<>(each.getValue());
                    leaving.addAll(payload);
                    return each.getKey() + ":"
                            + HexFormat.of().formatHex(frame(source, destination, leaving, leaving.size()));
                })
                .collect(Collectors.toList());
    }

    private static int vlan(List<Tag> tags, int index) {
        return tags.size() > index ? tags.get(index).vlan : 0;
    }

    private static boolean mayComeIn(PortVlan in, int vlan) {
        return switch (in.mode()) {
            case ACCESS -> vlan == 0;
            case TRUNK -> in.trunks().contains(vlan);
            case NATIVE_TAGGED, NATIVE_UNTAGGED -> vlan == 0 || in.trunks().contains(vlan);
            case DOT1Q_TUNNEL -> in.cvlans().contains(vlan);
        };
    }

    private static List<Tag> inside(PortVlan in, List<Tag> tags) {
        List<Tag> inside = new ArrayList<>(tags);
        boolean untagged = vlan(tags, 0) == 0;
        switch (in.mode()) {
            case TRUNK -> {}
            case DOT1Q_TUNNEL -> inside.addFirst(new Tag(in.qinqEtherType(), in.vlan(), 0));
            case ACCESS -> {
                inside.clear();
                inside.add(own(in, tags));
            }
            case NATIVE_TAGGED, NATIVE_UNTAGGED -> {
                if (untagged) {
                    inside.subList(0, Math.min(1, inside.size())).clear();
                    inside.addFirst(own(in, tags));
                }
            }
        }
        return inside;
    }

    private static Tag own(PortVlan in, List<Tag> tags) {
        return tags.isEmpty()
                ? new Tag(EtherTypes.VLAN, in.vlan(), 0)
                : new Tag(tags.getFirst().type, in.vlan(), tags.getFirst().priority);
    }

    private static boolean isIn(PortVlan out, List<Tag> inside) {
        return switch (out.mode()) {
            case ACCESS -> vlan(inside, 0) == out.vlan() && vlan(inside, 1) == 0;
            case TRUNK, NATIVE_TAGGED, NATIVE_UNTAGGED -> out.trunks().contains(vlan(inside, 0));
            case DOT1Q_TUNNEL -> vlan(inside, 0) == out.vlan() && out.cvlans().contains(vlan(inside, 1));
        };
    }

    private static List<Tag> outside(PortVlan in, PortVlan out, List<Tag> inside, List<Tag> arrived) {
        List<Tag> leaving = new ArrayList<>(inside);
        boolean pops = out.mode() == VlanMode.DOT1Q_TUNNEL
                || out.mode() == VlanMode.NATIVE_UNTAGGED && vlan(inside, 0) == out.vlan();
        if (out.mode() == VlanMode.ACCESS) {
            leaving.clear();
        } else if (pops && !leaving.isEmpty()) {
            leaving.removeFirst();
        }
        if (out.priorityTags() != PriorityTags.NEVER) {
            int priority = arrived.isEmpty() ? 0 : arrived.getFirst().priority;
            if (!leaving.isEmpty()) {
                Tag outer = leaving.removeFirst();
                leaving.addFirst(new Tag(outer.type, outer.vlan, priority));
            } else if (priority != 0) {
                leaving.add(new Tag(EtherTypes.VLAN, 0, priority));
            }
        }
        if (out.priorityTags() != PriorityTags.ALWAYS) {
            boolean tunnelled = in.mode() == VlanMode.DOT1Q_TUNNEL;
            if (tunnelled && leaving.size() > 1 && leaving.get(1).saysNothing()) {
                leaving.remove(1);
            }
            if (!leaving.isEmpty() && leaving.getFirst().saysNothing()) {
                leaving.removeFirst();
            }
        }
        return leaving;
    }
}
