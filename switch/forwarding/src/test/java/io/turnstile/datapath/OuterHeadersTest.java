package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Labels, service headers and Ethernet put in front of packets and taken off again. */
class OuterHeadersTest {
    private static final byte[] UDP =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").payload(20).bytes();
    private static final int ENTRY = 0x0001_4140; // label 20, class 0, bottom, TTL 64

    private static Packet parsed(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        assertThat(PacketParser.parse(packet, 2)).isTrue();
        return packet;
    }

    private static PacketBatch batchOf(Packet packet) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        return batch;
    }

    private static long[] keyOf(Packet packet) {
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        return key;
    }

    private static String hex(Packet packet, int from, int to) {
        return HexFormat.of().formatHex(packet.toBytes(), from, to);
    }

    @Test
    void aLabelHidesWhatIsBehindItUntilItIsPopped() {
        Packet packet = parsed(UDP);
        long[] before = keyOf(packet);
        assertThat(LabelRewrite.push(batchOf(packet), new DatapathAction.PushMpls(EtherTypes.MPLS, ENTRY)))
                .isZero();
        assertThat(hex(packet, 12, 20)).isEqualTo("8847" + "00014140" + "4500");
        assertThat(packet.l3Offset()).isEqualTo(Packet.ABSENT);
        assertThat(Field.MPLS_LSE.get(keyOf(packet))).isEqualTo(ENTRY);
        assertThat(Field.NW_SRC.get(keyOf(packet))).isZero();
        LabelRewrite.pop(batchOf(packet), new DatapathAction.PopMpls(EtherTypes.IPV4));
        assertThat(packet.toBytes()).isEqualTo(UDP);
        assertThat(keyOf(packet)).isEqualTo(before);
    }

    @Test
    void labelsStandBehindTheTagsThatWereLookedAt() {
        Packet packet = parsed(Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").tag(5).bytes());
        ActionExecutor.pushVlan(batchOf(packet), new DatapathAction.PushVlan(EtherTypes.VLAN, 7));
        LabelRewrite.push(batchOf(packet), new DatapathAction.PushMpls(EtherTypes.MPLS, ENTRY));
        assertThat(hex(packet, 12, 28)).isEqualTo("81000007" + "81000005" + "8847" + "00014140" + "4500");
        LabelRewrite.pop(batchOf(packet), new DatapathAction.PopMpls(EtherTypes.IPV4));
        ActionExecutor.popVlan(batchOf(packet));
        assertThat(packet.toBytes())
                .isEqualTo(Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").tag(5).bytes());
        assertThat(packet.l3Offset()).isEqualTo(18);
    }

    @Test
    void theKeyHasThreeEntriesAndNoneBehindTheBottom() {
        byte[] frame = HexFormat.of()
                .parseHex("020000000002020000000001" + "8847" + "00001040" + "00002040" + "00003040" + "00004140");
        long[] key = keyOf(parsed(frame));
        assertThat(LabelStack.length(key)).isEqualTo(3);
        assertThat(Field.MPLS_LSE2.get(key)).isEqualTo(0x3040);
        frame[14 + 6] |= 1;
        assertThat(LabelStack.length(keyOf(parsed(frame)))).isEqualTo(2);
        assertThat(Field.MPLS_LSE2.get(keyOf(parsed(frame)))).isZero();
    }

    @Test
    void entriesThatAreCutShortAreNone() {
        byte[] frame = HexFormat.of().parseHex("020000000002020000000001" + "8847" + "00001040" + "0000");
        Packet packet = parsed(frame);
        assertThat(LabelStack.length(keyOf(packet))).isEqualTo(1);
        LabelRewrite.pop(batchOf(packet), new DatapathAction.PopMpls(EtherTypes.MPLS));
        byte[] popped = packet.toBytes();
        assertThat(popped).hasSize(frame.length - 4);
        LabelRewrite.pop(batchOf(packet), new DatapathAction.PopMpls(EtherTypes.IPV4));
        assertThat(packet.toBytes()).isEqualTo(popped);
    }

    @Test
    void anOpenChecksumIsClosedBeforeItIsHidden() {
        Packet packet = parsed(UDP);
        int l4 = packet.l4Offset();
        long pseudo = InternetChecksum.pseudoHeader(packet, packet.lengthBytes() - l4);
        packet.putU16(l4 + 6, InternetChecksum.fold(pseudo));
        packet.setPartialChecksum(l4, l4 + 6);
        LabelRewrite.push(batchOf(packet), new DatapathAction.PushMpls(EtherTypes.MPLS, ENTRY));
        assertThat(packet.checksumState()).isEqualTo(Packet.ChecksumState.GOOD);
        LabelRewrite.pop(batchOf(packet), new DatapathAction.PopMpls(EtherTypes.IPV4));
        assertThat(packet.toBytes()).isEqualTo(UDP);
    }

    @Test
    void aServiceHeaderCarriesTheWholeFrame() {
        byte[] header = HexFormat.of().parseHex("0fc60103" + "001234ff" + "11223344" + "00000000".repeat(3));
        Packet packet = parsed(UDP);
        assertThat(NshRewrite.push(batchOf(packet), new DatapathAction.PushNsh(header), 1))
                .isZero();
        long[] key = keyOf(packet);
        assertThat(Field.PACKET_TYPE.get(key)).isEqualTo(0x1_894f);
        assertThat(Field.NSH_TTL.get(key)).isEqualTo(63);
        assertThat(Field.NSH_SPI.get(key)).isEqualTo(0x1234);
        assertThat(Field.NSH_SI.get(key)).isEqualTo(255);
        assertThat(Field.NSH_C1.get(key)).isEqualTo(0x1122_3344);
        OuterHeader.pushEthernet(batchOf(packet), new DatapathAction.PushEthernet(1, 2), 1);
        assertThat(hex(packet, 0, 14)).isEqualTo("000000000002" + "000000000001" + "894f");
        assertThat(Field.NSH_C1.get(keyOf(packet))).isEqualTo(0x1122_3344);
        ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.NSH_C3, 0, 0x7700, 0, 0xff00));
        ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.NSH_TTL, 0, 5, 0, 0xff));
        ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.NSH_SPI, 0, 0xabcdef, 0, 0xffffff));
        assertThat(hex(packet, 14, 38))
                .isEqualTo("01460103" + "abcdefff" + "11223344" + "00000000" + "00007700" + "00000000");
        OuterHeader.popEthernet(batchOf(packet), 1);
        NshRewrite.pop(batchOf(packet), 1);
        assertThat(packet.packetType()).isEqualTo(Packet.ETHERNET);
        assertThat(packet.toBytes()).isEqualTo(UDP);
        assertThat(packet.l3Offset()).isEqualTo(14);
    }

    @Test
    void aServiceHeaderThatContradictsItselfHasNoFieldsAndStays() {
        for (String header : new String[] {"4fc60103", "0fc50103", "0fff0203", "0fc10203"}) {
            byte[] frame = HexFormat.of()
                    .parseHex("020000000002020000000001894f" + header + "001234ff" + "11223344".repeat(5));
            Packet packet = parsed(frame);
            assertThat(Field.NSH_SPI.get(keyOf(packet))).as(header).isZero();
            ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.NSH_SI, 0, 1, 0, 0xff));
            assertThat(packet.toBytes()).as(header).isEqualTo(frame);
        }
    }

    @Test
    void whatHasNoHeadroomIsLost() {
        Packet packet = parsed(UDP);
        int pushed = 0;
        while (LabelRewrite.push(batchOf(packet), new DatapathAction.PushMpls(EtherTypes.MPLS, ENTRY)) == 0) {
            pushed++;
        }
        assertThat(pushed).isEqualTo(Packet.HEADROOM_BYTES / 4);
        assertThat(packet.lengthBytes()).isEqualTo(UDP.length + Packet.HEADROOM_BYTES);
    }

    @Test
    void flagsAndOptionTypeOfNeighbourDiscoveryAreFields() {
        byte[] frame = HexFormat.of()
                .parseHex("333300000001020000000001" + "86dd" + "60000000" + "0020" + "3a" + "ff"
                        + "fe80" + "00".repeat(13) + "01" + "ff02" + "00".repeat(13) + "01"
                        + "88000000" + "60000000" + "fe80" + "00".repeat(13) + "02" + "0201" + "020000000002");
        Packet packet = parsed(frame);
        assertThat(Field.ND_RESERVED.get(keyOf(packet))).isEqualTo(0x6000_0000L);
        assertThat(Field.ND_OPTIONS_TYPE.get(keyOf(packet))).isEqualTo(2);
        int l4 = packet.l4Offset();
        long pseudo = InternetChecksum.pseudoHeader(packet, packet.lengthBytes() - l4);
        packet.putU16(l4 + 2, InternetChecksum.finish(InternetChecksum.add(pseudo, packet, l4, packet.lengthBytes())));
        ActionExecutor.setField(
                batchOf(packet), new DatapathAction.SetField(Field.ND_RESERVED, 0, 0x2000_0000L, 0, 0xffff_ffffL));
        ActionExecutor.setField(batchOf(packet), new DatapathAction.SetField(Field.ND_OPTIONS_TYPE, 0, 1, 0, 0xff));
        assertThat(Field.ND_RESERVED.get(keyOf(packet))).isEqualTo(0x2000_0000L);
        assertThat(Field.ND_OPTIONS_TYPE.get(keyOf(packet))).isEqualTo(1);
        assertThat(InternetChecksum.fold(InternetChecksum.add(pseudo, packet, l4, packet.lengthBytes())))
                .isEqualTo(0xffff);
    }

    /** IEEE 802.2 with a SNAP header is Ethernet by another name. */
    @Test
    void theTypeBehindSnapIsTheFramesType() {
        byte[] ip = HexFormat.of().parseHex(HexFormat.of().formatHex(UDP, 14, UDP.length));
        String length = "%04x".formatted(ip.length + 8);
        String addresses = HexFormat.of().formatHex(UDP, 0, 12);
        Packet snap = parsed(HexFormat.of()
                .parseHex(addresses + length + "aaaa03000000" + "0800"
                        + HexFormat.of().formatHex(ip)));
        assertThat(Field.ETH_TYPE.get(keyOf(snap))).isEqualTo(EtherTypes.IPV4);
        assertThat(Field.TP_DST.get(keyOf(snap))).isEqualTo(53);
        for (String other : new String[] {"aaaa0300000c0800", "424203000000", "aaaa030000000005"}) {
            Packet none = parsed(HexFormat.of().parseHex(addresses + length + other + "00".repeat(20)));
            assertThat(Field.ETH_TYPE.get(keyOf(none))).as(other).isEqualTo(EtherTypes.NOT_ETH_TYPE);
        }
    }
}
