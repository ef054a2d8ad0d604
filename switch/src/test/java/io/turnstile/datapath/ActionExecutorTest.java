package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.testing.TestFrame;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Every rewrite keeps checksums right, whatever state they are in. The oracle sums from scratch. */
class ActionExecutorTest {
    private static final List<Field> FIELDS = List.of(Field.ETH_DST, Field.ETH_SRC, Field.VLAN_TCI, Field.NW_SRC, Field.NW_DST,
        Field.NW_TOS, Field.NW_TTL, Field.IPV6_SRC, Field.IPV6_DST, Field.IPV6_LABEL, Field.TP_SRC, Field.TP_DST, Field.ND_TARGET,
        Field.ARP_SHA, Field.ARP_THA);

    private static PacketBatch batchOf(Packet packet) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        return batch;
    }

    private static TestFrame random(Random random) {
        boolean v6 = random.nextBoolean();
        String from = v6 ? "2001:db8::" + Integer.toHexString(random.nextInt(0xffff)) : "10.0." + random.nextInt(256) + ".1";
        String to = v6 ? "2001:db8:1::" + Integer.toHexString(random.nextInt(0xffff)) : "10.1." + random.nextInt(256) + ".2";
        byte[] data = new byte[random.nextInt(64)];
        random.nextBytes(data);
        int a = random.nextInt(0x10000);
        int b = random.nextInt(0x10000);
        byte[] neighbour = new byte[32];
        random.nextBytes(neighbour);
        neighbour[0] = (byte) 135;
        neighbour[1] = 0;
        neighbour[24] = 1;
        neighbour[25] = 1;
        TestFrame frame = switch (random.nextInt(3)) {
            case 0 -> TestFrame.ip(from, to, TestFrame.UDP, TestFrame.udpHeader(a, b, data), random.nextInt(256), 0);
            case 1 -> TestFrame.ip(from, to, TestFrame.TCP, TestFrame.tcpHeader(a, b, 0x10, a, b, data), random.nextInt(256), 4);
            default -> TestFrame.ip(from, to, v6 ? 58 : 1, neighbour, 255, 0);
        };
        return random.nextInt(3) == 0 ? frame.tag(random.nextInt(0x10000) & 0xefff) : frame;
    }

    private static DatapathAction.SetField randomSet(Random random) {
        Field field = FIELDS.get(random.nextInt(FIELDS.size()));
        boolean whole = random.nextBoolean();
        long maskHigh = field.isWide() ? whole ? -1 : random.nextLong() : 0;
        long maskLow = whole ? field.lowMask() : random.nextLong() & field.lowMask();
        return new DatapathAction.SetField(field, random.nextLong() & field.highMask(), random.nextLong() & field.lowMask(),
            maskHigh, maskLow);
    }

    /** IP header and transport sums, checked by summing all of it. */
    private static void assertSumsRight(byte[] frame, String what) {
        Packet parsed = Packet.copyOf(frame);
        assertThat(PacketParser.parse(parsed)).isTrue();
        int l3 = parsed.l3Offset();
        int l4 = parsed.l4Offset();
        boolean v4 = parsed.etherType() == 0x0800;
        byte[] segment = slice(frame, l4, parsed.l3EndOffset());
        byte[] pseudo = TestFrame.pseudo(slice(frame, l3 + (v4 ? 12 : 8), l3 + (v4 ? 16 : 24)),
            slice(frame, l3 + (v4 ? 16 : 24), l3 + (v4 ? 20 : 40)), parsed.ipProtocol(), segment.length);
        if (v4) {
            assertThat(TestFrame.checksum(slice(frame, l3, l3 + 20))).as(what + ": IP header").isZero();
        }
        assertThat(parsed.ipProtocol() == 1 ? TestFrame.checksum(segment) : TestFrame.checksum(pseudo, segment))
            .as(what + ": transport").isZero();
    }

    private static byte[] slice(byte[] bytes, int from, int to) {
        return java.util.Arrays.copyOfRange(bytes, from, to);
    }

    @Test
    void rewritesChangeTheFieldAndKeepEverySumRight() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            String what = "seed " + seed + " round " + i;
            Packet packet = Packet.copyOf(random(random).bytes());
            PacketParser.parse(packet);
            long[] before = FlowKey.newKey();
            KeyExtractor.extract(packet, before);
            DatapathAction.SetField set = randomSet(random);
            ActionExecutor.setField(batchOf(packet), set);
            long[] after = FlowKey.newKey();
            Packet fresh = Packet.copyOf(packet.toBytes());
            PacketParser.parse(fresh);
            KeyExtractor.extract(fresh, after);
            long[] expected = expected(packet, before, set);
            assertThat(after).as(what + " " + set).isEqualTo(expected);
            long[] own = FlowKey.newKey();
            KeyExtractor.extract(packet, own);
            assertThat(own).as(what + ": the packet's own layers").isEqualTo(after);
            assertSumsRight(packet.toBytes(), what + " " + set);
        }
    }

    /** What the key should be: the field's bits replaced where the packet has the field. */
    private static long[] expected(Packet packet, long[] before, DatapathAction.SetField set) {
        long[] key = before.clone();
        Field field = set.field();
        boolean v4 = packet.etherType() == 0x0800;
        boolean present = switch (field) {
            case ETH_DST, ETH_SRC, NW_TOS, NW_TTL -> true;
            case VLAN_TCI -> Field.VLAN_TCI.get(before) != 0;
            case NW_SRC, NW_DST -> v4;
            case IPV6_SRC, IPV6_DST, IPV6_LABEL -> !v4;
            case TP_SRC, TP_DST -> true;
            default -> packet.ipProtocol() == 58 && Field.ND_TARGET.getHigh(before) + Field.ND_TARGET.get(before) != 0
                && (field == Field.ND_TARGET || field == Field.ARP_SHA);
        };
        if (!present) {
            return key;
        }
        long low = (field.get(before) & ~set.maskLow()) | (set.valueLow() & set.maskLow());
        if (field == Field.VLAN_TCI) {
            low |= 0x1000;
        } else if (field == Field.IPV6_LABEL) {
            low &= 0xf_ffff;
        } else if ((field == Field.TP_SRC || field == Field.TP_DST) && (packet.ipProtocol() == 1 || packet.ipProtocol() == 58)) {
            low &= 0xff;
        }
        field.set(key, (field.getHigh(before) & ~set.maskHigh()) | (set.valueHigh() & set.maskHigh()), low);
        boolean stillNeighbour = packet.ipProtocol() == 58 && Field.TP_SRC.get(key) == 135 && Field.TP_DST.get(key) == 0;
        if (!stillNeighbour && packet.ipProtocol() == 58) {
            Field.ND_TARGET.set(key, 0, 0);
            Field.ARP_SHA.set(key, 0);
            Field.ARP_THA.set(key, 0);
        }
        return key;
    }

    @Test
    void openSumsOfSuperFramesStayOpenAndRight() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            boolean udp = random.nextBoolean();
            int protocol = udp ? TestFrame.UDP : TestFrame.TCP;
            byte[] transport = udp ? TestFrame.udpHeader(1, 2, new byte[3000]) : TestFrame.tcpHeader(1, 2, 16, 3, 4, new byte[3000]);
            boolean v6 = random.nextBoolean();
            byte[] frame = TestFrame.ip(v6 ? "fd00::1" : "10.0.0.1", v6 ? "fd00::2" : "10.0.0.2", protocol, transport, 9, 0).bytes();
            Packet packet = Packet.copyOf(frame);
            PacketParser.parse(packet);
            int field = packet.l4Offset() + (udp ? 6 : 16);
            packet.putU16(field, openSum(packet));
            packet.setPartialChecksum(packet.l4Offset(), field);
            packet.setSegmentBytes(1000);
            DatapathAction.SetField set = randomSet(random);
            ActionExecutor.setField(batchOf(packet), set);
            assertThat(packet.checksumState()).isEqualTo(Packet.ChecksumState.PARTIAL);
            assertThat(packet.u16(field) % 0xffff).as("seed " + seed + " round " + i + " " + set)
                .isEqualTo(openSum(packet) % 0xffff);
        }
    }

    /** The pseudo-header's sum, not complemented. */
    private static int openSum(Packet packet) {
        byte[] frame = packet.toBytes();
        int l3 = packet.l3Offset();
        boolean v4 = packet.etherType() == 0x0800;
        return TestFrame.sum(TestFrame.pseudo(slice(frame, l3 + (v4 ? 12 : 8), l3 + (v4 ? 16 : 24)),
            slice(frame, l3 + (v4 ? 16 : 24), l3 + (v4 ? 20 : 40)), packet.ipProtocol(),
            packet.l3EndOffset() - packet.l4Offset()));
    }

    @Test
    void openSumsOfOrdinaryFramesComeOutRight() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            byte[] frame = TestFrame.udp("10.0.0.1", random.nextInt(0x10000), "10.0.0.2", 53).bytes();
            Packet packet = Packet.copyOf(frame);
            PacketParser.parse(packet);
            packet.putU16(packet.l4Offset() + 6, openSum(packet));
            packet.setPartialChecksum(packet.l4Offset(), packet.l4Offset() + 6);
            DatapathAction.SetField set = randomSet(random);
            ActionExecutor.setField(batchOf(packet), set);
            if (packet.checksumState() == Packet.ChecksumState.PARTIAL) {
                io.turnstile.packet.InternetChecksum.complete(packet);
            }
            assertSumsRight(packet.toBytes(), "seed " + seed + " round " + i + " " + set);
        }
    }

    @Test
    void pushedTagsStandInFrontAndPopAgain() {
        TestFrame plain = TestFrame.udp("10.0.0.1", 1, "10.0.0.2", 2);
        Packet packet = Packet.copyOf(plain.bytes());
        PacketParser.parse(packet);
        ActionExecutor.pushVlan(batchOf(packet), new DatapathAction.PushVlan(0x8100, 0x1000 | 5));
        assertThat(packet.toBytes()).isEqualTo(plain.tag(5).bytes());
        assertThat(packet.vlanTci()).isEqualTo(0x1005);
        ActionExecutor.pushVlan(batchOf(packet), new DatapathAction.PushVlan(0x8100, 0x1000 | 6));
        assertThat(packet.toBytes()).isEqualTo(plain.tag(5).tag(6).bytes());
        assertThat(packet.etherType()).isEqualTo(0x8100);
        ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.NW_SRC, 0, 7, 0, -1));
        assertThat(packet.toBytes()).as("behind two tags nothing is rewritten").isEqualTo(plain.tag(5).tag(6).bytes());
        ActionExecutor.popVlan(batchOf(packet));
        ActionExecutor.popVlan(batchOf(packet));
        assertThat(packet.toBytes()).isEqualTo(plain.bytes());
        assertThat(packet.l4Offset()).isEqualTo(34);
    }

    @Test
    void packetsWithoutHeadroomAreTakenOutAndCounted() {
        Packet packet = Packet.copyOf(TestFrame.arp(1, 1, 2).bytes());
        PacketParser.parse(packet);
        PacketBatch batch = batchOf(packet);
        int lost = 0;
        for (int i = 0; i < 100 && lost == 0; i++) {
            lost = ActionExecutor.pushVlan(batch, new DatapathAction.PushVlan(0x8100, 0x1001));
        }
        assertThat(lost).isEqualTo(1);
        assertThat(batch.isEmpty()).isTrue();
    }
}
