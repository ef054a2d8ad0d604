package io.turnstile.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GsoSegmenterTest {
    private static final int HEADER_BYTES = 66;

    private static List<Packet> segments(Packet packet) {
        List<Packet> segments = new ArrayList<>();
        GsoSegmenter.forEachSegment(packet, each -> segments.add(Packet.copyOf(each.toBytes())));
        segments.forEach(PacketParser::parse);
        return segments;
    }

    private static int transportSum(Packet packet) {
        int transportBytes = packet.l3EndOffset() - packet.l4Offset();
        return InternetChecksum.fold(InternetChecksum.add(
                InternetChecksum.pseudoHeader(packet, transportBytes),
                packet,
                packet.l4Offset(),
                packet.l3EndOffset()));
    }

    @Test
    void segmentsCarryThePayloadInOrderWithRunningSequenceNumbers() {
        Packet packet = PortFrames.superFrame(2500, 1000);
        byte[] payload = Arrays.copyOfRange(packet.toBytes(), HEADER_BYTES, packet.lengthBytes());
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        int sequence = 0xffff_fe00;
        for (Packet segment : segments(packet)) {
            assertThat(segment.u32(segment.l4Offset() + 4)).isEqualTo(sequence);
            int bytes = segment.lengthBytes() - HEADER_BYTES;
            joined.write(segment.toBytes(), HEADER_BYTES, bytes);
            sequence += bytes;
        }
        assertThat(joined.toByteArray()).isEqualTo(payload);
    }

    @Test
    void everySegmentHasRightLengthsAndChecksums() {
        for (Packet segment : segments(PortFrames.superFrame(30_001, 1448))) {
            assertThat(segment.u16(16)).isEqualTo(segment.lengthBytes() - 14);
            assertThat(InternetChecksum.fold(InternetChecksum.add(0, segment, 14, 34)))
                    .isEqualTo(0xffff);
            assertThat(transportSum(segment)).isEqualTo(0xffff);
        }
    }

    @Test
    void finAndPushStandOnTheLastAndWindowReducedOnTheFirstOnly() {
        // The super-frame's flags are CWR, ACK, PSH, FIN.
        assertThat(segments(PortFrames.superFrame(2500, 1000)))
                .extracting(each -> each.u8(34 + 13))
                .containsExactly(0x90, 0x10, 0x19);
    }

    @Test
    void identificationCountsUp() {
        assertThat(segments(PortFrames.superFrame(2500, 1000)))
                .extracting(each -> each.u16(18))
                .containsExactly(0x1234, 0x1235, 0x1236);
    }

    @Test
    void datagramsGetTheirOwnLengthBehindAVlanTag() {
        byte[] frame = new byte[14 + 4 + 40 + 8 + 25];
        byte[] headers = PortFrames.hex("020000000002 020000000001 8100 0005 86dd 60000000 0000 11 40"
                + "20010db8000000000000000000000001 20010db8000000000000000000000002 0005 0009 0000 0000");
        System.arraycopy(headers, 0, frame, 0, headers.length);
        Packet packet = Packet.copyOf(frame);
        packet.setPartialChecksum(58, 64);
        packet.setSegmentBytes(10);
        List<Packet> segments = segments(packet);
        assertThat(segments).extracting(each -> each.u16(58 + 4)).containsExactly(18, 18, 13);
        assertThat(segments).extracting(each -> each.u16(18 + 4)).containsExactly(18, 18, 13);
        assertThat(segments).allSatisfy(each -> assertThat(transportSum(each)).isEqualTo(0xffff));
    }
}
