package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction.PushVlan;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.datapath.FrameSamples.Kind;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Rewrites against checksums computed from scratch, on random frames. */
class ActionExecutorTest {
    private static final List<Field> FIELDS = List.of(
            Field.ETH_DST,
            Field.ETH_SRC,
            Field.VLAN_TCI,
            Field.NW_SRC,
            Field.NW_DST,
            Field.NW_TOS,
            Field.NW_TTL,
            Field.NW_PROTO,
            Field.IPV6_SRC,
            Field.IPV6_DST,
            Field.IPV6_LABEL,
            Field.TP_SRC,
            Field.TP_DST,
            Field.ARP_SHA,
            Field.ARP_THA,
            Field.ND_TARGET,
            Field.PKT_MARK,
            Field.SKB_PRIORITY);

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final FrameSamples samples = new FrameSamples(random);

    @Test
    void rewritesChangeTheirFieldOnlyAndKeepEveryChecksumRight() {
        for (int i = 0; i < 20_000; i++) {
            Packet packet = parsed(samples.next());
            byte[] before = packet.toBytes();
            SetField set = randomSet(packet);
            long[] expected = keyOf(packet);
            if (hasAnOptionTwice(packet, expected)) {
                continue; // Has no fields by the key, but is rewritten as Open vSwitch does.
            }
            boolean applies = applies(packet, set.field(), expected);
            if (applies) {
                setExpected(expected, packet, set);
            }
            ActionExecutor.setField(batchOf(packet), set);

            String what = "seed " + seed + " turn " + i + " " + set;
            assertThat(NaiveChecksums.areRight(packet, finalDestination(packet)))
                    .as(what)
                    .isTrue();
            if (!applies) {
                assertThat(packet.toBytes()).as(what).isEqualTo(before);
            }
            Packet again = parsed(packet.toBytes());
            again.setMark(packet.mark());
            again.setPriority(packet.priority());
            assertThat(keyOf(packet)).as(what).isEqualTo(expected);
            assertThat(keyOf(again)).as(what + ": offsets and bytes agree").isEqualTo(expected);
        }
    }

    @Test
    void aChecksumThatWasWrongStaysWrong() {
        for (int i = 0; i < 5_000; i++) {
            Packet packet = parsed(samples.next());
            if (packet.l4Offset() == Packet.ABSENT
                    || packet.ipProtocol() == 47
                    || packet.ipProtocol() == 17 && packet.u16(packet.l4Offset() + 6) == 0) {
                continue;
            }
            // A bit of the transport header that no rewrite touches: in sequence number, length, tag, ICMP id.
            int at = packet.l4Offset() + 5;
            packet.putU8(at, packet.u8(at) ^ 1 << random.nextInt(8));
            SetField set = randomSet(packet);
            if (set.field() == Field.ND_TARGET) {
                continue; // May overwrite the broken byte's like with whatever is set.
            }
            ActionExecutor.setField(batchOf(packet), set);
            assertThat(NaiveChecksums.areRight(packet, finalDestination(packet)))
                    .as("seed " + seed + " " + set)
                    .isFalse();
        }
    }

    @Test
    void aChecksumLeftOpenStaysOpenAndIsRightOnceCompleted() {
        for (int i = 0; i < 5_000; i++) {
            Kind kind = random.nextBoolean() ? Kind.TCP : Kind.UDP;
            Packet packet = parsed(random.nextBoolean() ? samples.ipv4(kind) : samples.ipv6(kind, false));
            leaveOpen(packet);
            boolean superFrame = random.nextBoolean();
            packet.setSegmentBytes(superFrame ? 8 : 0);
            for (int sets = 0; sets < 3; sets++) {
                SetField set = randomSet(packet);
                ActionExecutor.setField(batchOf(packet), set);
            }
            assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            // Padding is no part of the sum, and no port hands it over with an open one.
            packet.truncate(packet.l3EndOffset());
            InternetChecksum.complete(packet);
            assertThat(NaiveChecksums.areRight(packet, null))
                    .as("seed " + seed + " turn " + i)
                    .isTrue();
        }
    }

    @Test
    void udpWithoutChecksumGetsNone() {
        for (int i = 0; i < 200; i++) {
            Packet packet = parsed(samples.ipv4(Kind.UDP_WITHOUT_SUM));
            ActionExecutor.setField(batchOf(packet), new SetField(Field.NW_SRC, 0, random.nextInt(), 0, 0xffff_ffffL));
            ActionExecutor.setField(batchOf(packet), new SetField(Field.TP_DST, 0, random.nextInt(65536), 0, 0xffff));
            assertThat(packet.u16(packet.l4Offset() + 6)).isZero();
        }
    }

    @Test
    void udpChecksumNeverBecomesTheOneThatMeansNone() {
        Packet packet = parsed(samples.ipv4(Kind.UDP));
        for (int port = 0; port < 0x10000; port++) {
            ActionExecutor.setField(batchOf(packet), new SetField(Field.TP_SRC, 0, port, 0, 0xffff));
            assertThat(packet.u16(packet.l4Offset() + 6)).as("seed " + seed).isNotZero();
        }
        assertThat(NaiveChecksums.areRight(packet, null)).isTrue();
    }

    @Test
    void tagsArePushedAndPoppedWithTheLayersRight() {
        for (int i = 0; i < 2_000; i++) {
            byte[] frame = samples.next();
            Packet packet = parsed(frame);
            PacketBatch batch = batchOf(packet);
            int tags = 1 + random.nextInt(3);
            for (int tag = 0; tag < tags; tag++) {
                int tci = random.nextInt(0x10000) | 0x1000;
                assertThat(ActionExecutor.pushVlan(batch, new PushVlan(random.nextBoolean() ? 0x8100 : 0x88a8, tci)))
                        .isZero();
                assertThat(packet.vlanTci()).isEqualTo(tci);
                assertThat(packet.u16(14)).isEqualTo(tci & ~0x1000);
                assertSameLayersAsParsedAnew(packet);
            }
            for (int tag = 0; tag < tags; tag++) {
                ActionExecutor.popVlan(batch);
                assertSameLayersAsParsedAnew(packet);
            }
            assertThat(packet.toBytes()).isEqualTo(frame);
        }
    }

    @Test
    void packetsWithoutHeadroomLeaveTheBatch() {
        Packet tight = parsed(samples.ipv4(Kind.TCP));
        Packet roomy = parsed(samples.ipv4(Kind.TCP));
        PacketBatch batch = new PacketBatch();
        batch.add(tight);
        batch.add(roomy);
        while (tight.frameStart() >= 4) {
            tight.insertBytes(12, 4);
        }
        assertThat(ActionExecutor.pushVlan(batch, new PushVlan(0x8100, 0x1001))).isEqualTo(1);
        assertThat(batch.length()).isEqualTo(1);
        assertThat(batch.get(0)).isSameAs(roomy);
    }

    @Test
    void poppingAnUntaggedPacketChangesNothing() {
        byte[] frame = new byte[60];
        Packet packet = parsed(frame);
        ActionExecutor.popVlan(batchOf(packet));
        assertThat(packet.toBytes()).isEqualTo(frame);
    }

    // ---- what a rewrite should do ----

    private static boolean applies(Packet packet, Field field, long[] key) {
        boolean ip = packet.l3Offset() != Packet.ABSENT && packet.ipProtocol() != 0;
        boolean ipv6 = ip && packet.etherType() == 0x86dd;
        boolean arp = packet.l3Offset() != Packet.ABSENT && packet.ipProtocol() == 0;
        boolean ports = ip
                && packet.l4Offset() != Packet.ABSENT
                && List.of(1, 6, 17, 58, 132).contains(packet.ipProtocol());
        boolean discovery = Field.ND_TARGET.get(key) != 0;
        return switch (field) {
            case ETH_DST, ETH_SRC, PKT_MARK, SKB_PRIORITY -> true;
            case VLAN_TCI -> packet.vlanTci() != 0;
            case NW_SRC, NW_DST -> arp || ip && !ipv6;
            case NW_TOS, NW_TTL -> ip;
            case NW_PROTO -> arp;
            case IPV6_SRC, IPV6_DST, IPV6_LABEL -> ipv6;
            case TP_SRC, TP_DST -> ports;
            case ARP_SHA -> arp || discovery && Field.ARP_SHA.get(key) != 0;
            case ARP_THA -> arp || discovery && Field.ARP_THA.get(key) != 0;
            case ND_TARGET -> discovery;
            default -> throw new AssertionError(field);
        };
    }

    private static void setExpected(long[] key, Packet packet, SetField set) {
        Field field = set.field();
        long high = (field.getHigh(key) & ~set.maskHigh()) | (set.valueHigh() & set.maskHigh());
        long low = (field.get(key) & ~set.maskLow()) | (set.valueLow() & set.maskLow());
        boolean octet = packet.ipProtocol() == 1 || packet.ipProtocol() == 58;
        if (field == Field.VLAN_TCI) {
            low |= 0x1000;
        } else if (octet && (field == Field.TP_SRC || field == Field.TP_DST)) {
            low &= 0xff;
        } else if (field == Field.IPV6_LABEL) {
            low &= 0xf_ffff;
        }
        field.set(key, high, low);
    }

    /** Keeps clear of values that turn a message into another kind: those make fields come and go. */
    private SetField randomSet(Packet packet) {
        Field field = FIELDS.get(random.nextInt(FIELDS.size()));
        boolean icmp = packet.ipProtocol() == 1 || packet.ipProtocol() == 58;
        if (icmp && (field == Field.TP_SRC || field == Field.TP_DST)) {
            boolean discovery = packet.u8(packet.l4Offset()) == 135 || packet.u8(packet.l4Offset()) == 136;
            field = discovery ? Field.ND_TARGET : field;
        }
        long maskLow = random.nextInt(4) == 0 ? random.nextLong() & field.lowMask() : field.lowMask();
        long maskHigh = random.nextInt(4) == 0 ? random.nextLong() & field.highMask() : field.highMask();
        long value = random.nextLong() & field.lowMask();
        if (icmp && field == Field.TP_SRC) {
            value = random.nextInt(2) * 8;
            maskLow = field.lowMask();
        } else if (field == Field.NW_PROTO) {
            value = 1 + random.nextInt(255);
            maskLow = field.lowMask();
        } else if (field == Field.ARP_SHA || field == Field.ARP_THA || field == Field.ND_TARGET) {
            value |= 1;
            maskLow |= 1;
        }
        return new SetField(field, random.nextLong() & field.highMask(), value, maskHigh, maskLow);
    }

    private static boolean hasAnOptionTwice(Packet packet, long[] key) {
        return packet.ipProtocol() == 58
                && packet.l4Offset() != Packet.ABSENT
                && packet.u8(packet.l4Offset()) >= 135
                && Field.ND_TARGET.get(key) == 0;
    }

    private static byte[] finalDestination(Packet packet) {
        int l3 = packet.l3Offset();
        boolean routed = packet.etherType() == 0x86dd && l3 != Packet.ABSENT && packet.u8(l3 + 6) == 43;
        return routed ? Arrays.copyOfRange(packet.toBytes(), l3 + 48, l3 + 64) : null;
    }

    private static void leaveOpen(Packet packet) {
        int l4 = packet.l4Offset();
        int field = l4 + (packet.ipProtocol() == 6 ? 16 : 6);
        packet.putU16(field, InternetChecksum.fold(InternetChecksum.pseudoHeader(packet, packet.l3EndOffset() - l4)));
        packet.setPartialChecksum(l4, field);
    }

    private static void assertSameLayersAsParsedAnew(Packet packet) {
        Packet anew = parsed(packet.toBytes());
        assertThat(packet.l3Offset()).isEqualTo(anew.l3Offset());
        assertThat(packet.l4Offset()).isEqualTo(anew.l4Offset());
        assertThat(packet.l3EndOffset()).isEqualTo(anew.l3EndOffset());
        assertThat(keyOf(packet)).isEqualTo(keyOf(anew));
    }

    private static Packet parsed(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        assertThat(PacketParser.parse(packet)).isTrue();
        return packet;
    }

    private static long[] keyOf(Packet packet) {
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        return key;
    }

    private static PacketBatch batchOf(Packet packet) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        return batch;
    }
}
