package io.turnstile.port;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Super-frames as the kernel lets them pass: their transport header is whole and where it is said to be. Input: two
 * octets with the size of a segment, and the frame.
 */
class GsoSegmenterFuzzTest {
    private static final int TCP_CHECKSUM = 16;
    private static final int UDP_CHECKSUM = 6;

    static Stream<byte[]> seeds() {
        byte[] frame = PortFrames.superFrame(300, 100).toBytes();
        return Stream.of(ByteBuffer.allocate(Short.BYTES + frame.length)
                .putShort((short) 100)
                .put(frame)
                .array());
    }

    /** 0 for a frame that is no TCP or UDP, or has no whole header. */
    private static int transportBytes(Packet packet) {
        if (!PacketParser.parse(packet) || packet.l4Offset() == Packet.ABSENT) {
            return 0;
        }
        int l4 = packet.l4Offset();
        int bytes = switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> (packet.u8(l4 + 12) >> 4) * 4;
            case IpProtocols.UDP -> PacketParser.UDP_BYTES;
            default -> 0;
        };
        boolean tooShort = packet.ipProtocol() == IpProtocols.TCP && bytes < PacketParser.TCP_MIN_BYTES;
        return tooShort || l4 + bytes > packet.lengthBytes() ? 0 : bytes;
    }

    @MethodSource("seeds")
    @FuzzTest
    void segmentsCarryThePayload(byte[] input) {
        if (input.length < Short.BYTES) {
            return;
        }
        int segmentBytes = ByteBuffer.wrap(input).getShort() & 0xffff;
        byte[] frame = Arrays.copyOfRange(input, Short.BYTES, input.length);
        Packet packet = Packet.copyOf(frame);
        int transportBytes = transportBytes(packet);
        if (segmentBytes == 0 || transportBytes == 0) {
            return; // no super-frame
        }
        int l4 = packet.l4Offset();
        packet.setPartialChecksum(l4, l4 + (packet.ipProtocol() == IpProtocols.TCP ? TCP_CHECKSUM : UDP_CHECKSUM));
        packet.setSegmentBytes(segmentBytes);
        int headers = l4 + transportBytes;
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        GsoSegmenter.forEachSegment(packet, segment -> {
            assertThat(segment.lengthBytes()).isBetween(headers + 1, headers + segmentBytes);
            joined.write(segment.toBytes(), headers, segment.lengthBytes() - headers);
        });
        assertThat(joined.toByteArray()).isEqualTo(Arrays.copyOfRange(frame, headers, frame.length));
        assertThat(packet.toBytes()).isEqualTo(frame);
    }
}
