package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes recorded between the real ovs-ofctl and the real ovs-vswitchd. */
class FlowWireTest {
    static final int NXT_BODY = 16;
    private static final String BEFORE_THE_MATCH =
            "^(cookie=[^,]+, )?(table=[^,]+, )?(idle_timeout=[0-9]+, )?(hard_timeout=[0-9]+, )?(send_flow_rem )?";

    record Recorded(WireVersion version, String text, byte[] flowMod, byte[] statistics) {
        @Override
        public String toString() {
            return version + " " + text;
        }
    }

    static List<Recorded> recorded() throws IOException {
        List<Recorded> all = new ArrayList<>();
        try (var in = FlowWireTest.class.getResourceAsStream("flows.txt")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            for (int i = 0; i < lines.size(); i += 4) {
                all.add(new Recorded(
                        WireVersion.valueOf(lines.get(i).replace("OpenFlow", "OF")),
                        lines.get(i + 1),
                        ByteBufUtil.decodeHexDump(lines.get(i + 2)),
                        ByteBufUtil.decodeHexDump(lines.get(i + 3))));
            }
        }
        return all;
    }

    static FlowMod read(byte[] bytes, WireVersion version) throws OfException {
        ByteBuf message = Unpooled.wrappedBuffer(bytes);
        boolean nicira = bytes[1] == 4;
        message.skipBytes(nicira ? NXT_BODY : Wire.HEADER_BYTES);
        return nicira
                ? FlowModCodec.readNicira(message, true)
                : version.hasInstructions()
                        ? FlowModCodec.read13(message, version)
                        : FlowModCodec.read10(message, true);
    }

    static FlowStats statistics(FlowMod mod) {
        return new FlowStats(
                mod.tableId(),
                mod.priority(),
                mod.match(),
                mod.cookie(),
                mod.idleTimeoutSeconds(),
                mod.hardTimeoutSeconds(),
                mod.importance(),
                mod.flags(),
                0,
                0,
                0,
                0,
                0,
                mod.actions());
    }

    /** The tool prints what we write back; what it wrote itself must come out as the same words. */
    @ParameterizedTest
    @MethodSource("recorded")
    void flowModOfOvsOfctlIsUnderstood(Recorded recorded) throws Exception {
        FlowMod mod = read(recorded.flowMod(), recorded.version());
        String match = FlowText.format(mod.match(), mod.priority());
        String expected = recorded.text().replaceFirst(BEFORE_THE_MATCH, "");
        if (recorded.version() == WireVersion.OF11) { // which has no mask; only ovs-ofctl's dump-flows shows one
            expected = expected.replace("vlan_tci=0x0000/0x1fff", "vlan_tci=0x0000");
        }
        String text = (match.isEmpty() ? "" : match + " ") + "actions=" + FlowText.format(mod.actions(), mod.match());
        if (recorded.version().hasInstructions()) { // under 1.0 set_… and mod_… are other words for the same
            assertThat(text).isEqualTo(expected);
        } else {
            assertThat(text).startsWith(expected.substring(0, expected.indexOf("actions=")));
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void flowIsReportedInTheBytesOfOpenVswitch(Recorded recorded) throws Exception {
        FlowMod mod = read(recorded.flowMod(), recorded.version());
        ByteBuf out = Unpooled.buffer();
        switch (recorded.version()) {
            case OF10 -> FlowStatsCodec.writeEntryNicira(out, statistics(mod));
            case OF11, OF12, OF13, OF14, OF15 -> FlowStatsCodec.writeEntry13(out, statistics(mod), recorded.version());
        }
        byte[] ours = ByteBufUtil.getBytes(out);
        // Order of match fields is free; their set, and the actions byte by byte, are not.
        assertThat(matchOf(ours, recorded.version())).isEqualTo(matchOf(recorded.statistics(), recorded.version()));
        assertThat(ByteBufUtil.hexDump(actionsOf(ours, recorded.version())))
                .isEqualTo(ByteBufUtil.hexDump(actionsOf(recorded.statistics(), recorded.version())));
    }

    /** The match of 1.1 has one form only. */
    @ParameterizedTest
    @MethodSource("recorded")
    void theMatchOf11IsWrittenInTheBytesOfOvsOfctl(Recorded recorded) throws Exception {
        if (recorded.version() == WireVersion.OF11) {
            ByteBuf out = Unpooled.buffer();
            MatchCodec.write(out, read(recorded.flowMod(), recorded.version()).match(), recorded.version());
            ByteBuf sent = Unpooled.wrappedBuffer(recorded.flowMod()).slice(48, Match11.BYTES);
            assertThat(ByteBufUtil.hexDump(out)).isEqualTo(ByteBufUtil.hexDump(sent));
        }
    }

    private static Match matchOf(byte[] entry, WireVersion version) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(entry);
        return version.hasInstructions()
                ? MatchCodec.read(in.skipBytes(version == WireVersion.OF15 ? 24 : 48))
                : MatchCodec.readNxm(in.skipBytes(48), in.getUnsignedShort(18), false)
                        .match();
    }

    private static byte[] actionsOf(byte[] entry, WireVersion version) throws OfException {
        ByteBuf in = Unpooled.wrappedBuffer(entry);
        if (version.hasInstructions()) {
            MatchCodec.read(in.skipBytes(version == WireVersion.OF15 ? 24 : 48));
        } else {
            MatchCodec.readNxm(in.skipBytes(48), in.getUnsignedShort(18), false);
        }
        if (version == WireVersion.OF15) {
            in.skipBytes(in.getUnsignedShort(in.readerIndex() + 2) + 7 & ~7);
        }
        return ByteBufUtil.getBytes(in);
    }

    @Test
    void mutatedFlowModsAreReadOrRefusedWithATypedError() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<Recorded> all = recorded();
        for (int i = 0; i < 60_000; i++) {
            Recorded one = all.get(random.nextInt(all.size()));
            byte[] bytes = one.flowMod().clone();
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                bytes[8 + random.nextInt(bytes.length - 8)] = (byte) random.nextInt(256);
            }
            byte[] cut = random.nextInt(4) == 0
                    ? java.util.Arrays.copyOf(bytes, 16 + random.nextInt(bytes.length - 15))
                    : bytes;
            readOrRefuse(cut, one.version(), seed);
        }
    }

    @Test
    void randomBytesAreReadOrRefusedWithATypedError() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 30_000; i++) {
            byte[] bytes = new byte[16 + random.nextInt(200)];
            random.nextBytes(bytes);
            bytes[1] = (byte) (random.nextBoolean() ? 4 : 14);
            readOrRefuse(bytes, WireVersion.values()[random.nextInt(WireVersion.values().length)], seed);
        }
    }

    private static void readOrRefuse(byte[] bytes, WireVersion version, long seed) {
        try {
            FlowMod mod = read(bytes, version);
            ByteBuf out = Unpooled.buffer();
            FlowStatsCodec.writeEntryNicira(out, statistics(mod));
            for (WireVersion since11 : EnumSet.range(WireVersion.OF11, WireVersion.OF15)) {
                FlowStatsCodec.writeEntry13(Unpooled.buffer(), statistics(mod), since11);
            }
            FlowText.format(mod.actions(), mod.match());
        } catch (OfException refused) {
            assertThat(refused.code()).isNotNull();
        } catch (RuntimeException bug) {
            throw new AssertionError("seed " + seed + ", " + version + " " + ByteBufUtil.hexDump(bytes), bug);
        }
    }

    @Test
    void idleAndHardAgesAreToldByNiciraStatistics() {
        FlowStats flow = new FlowStats(
                0,
                0,
                Match.ANY,
                0,
                0,
                0,
                0,
                EnumSet.noneOf(FlowMod.Flag.class),
                9_000_000_000L,
                2_000_000_000L,
                4_000_000_000L,
                0,
                0,
                List.of());
        ByteBuf entry = Unpooled.buffer();
        FlowStatsCodec.writeEntryNicira(entry, flow);
        assertThat(entry.getInt(4)).as("seconds").isEqualTo(9);
        assertThat(entry.getUnsignedShort(20)).as("idle_age, and one").isEqualTo(3);
        assertThat(entry.getUnsignedShort(22)).as("hard_age, and one").isEqualTo(5);
    }
}
