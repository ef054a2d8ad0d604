package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much of a header has to be there; what the fields then are, the datapath's key tests say. */
class PacketParserTest {
    private static final int IPV4_TOTAL_LENGTH = 14 + 2;
    private static final int IPV6_PAYLOAD_LENGTH = 14 + 4;
    private static final int ENDS_AT_4 = 14 + 20;
    private static final int ENDS_AT_6 = 14 + 40;

    /** Protocol and the bytes of its header without which there is no layer 4, in either family. */
    @ParameterizedTest(name = "protocol {0} needs {1} bytes")
    @CsvSource({"1, 8", "58, 8", "6, 20", "17, 8", "136, 8", "132, 12", "33, 12", "47, 0"})
    void transportHeaderCutShortIsNoLayer(int protocol, int neededBytes) {
        for (int sizeBytes = 0; sizeBytes <= neededBytes + 2; sizeBytes++) {
            int expected = sizeBytes < neededBytes ? Packet.ABSENT : ENDS_AT_4;
            assertThat(ipv4(protocol, sizeBytes).l4Offset())
                    .as("IPv4, %d bytes", sizeBytes)
                    .isEqualTo(expected);
            expected = sizeBytes < neededBytes ? Packet.ABSENT : ENDS_AT_6;
            assertThat(ipv6(protocol, sizeBytes).l4Offset())
                    .as("IPv6, %d bytes", sizeBytes)
                    .isEqualTo(expected);
        }
    }

    /** Padding of a short frame is no part of the header. */
    @Test
    void paddingBehindTheNetworkLengthDoesNotCount() {
        byte[] padded =
                Arrays.copyOf(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 7).bytes(), 60);
        padded[IPV4_TOTAL_LENGTH + 1] = 20 + 7;
        assertThat(parsed(padded).l4Offset()).isEqualTo(Packet.ABSENT);
        padded[IPV4_TOTAL_LENGTH + 1] = 20 + 8;
        assertThat(parsed(padded).l4Offset()).isEqualTo(ENDS_AT_4);
    }

    private static Packet ipv4(int protocol, int sizeBytes) {
        byte[] frame = Frames.ip("10.0.0.1 > 10.0.0.2", protocol).payload(64).bytes();
        frame[IPV4_TOTAL_LENGTH + 1] = (byte) (20 + sizeBytes);
        return parsed(Arrays.copyOf(frame, ENDS_AT_4 + sizeBytes));
    }

    private static Packet ipv6(int protocol, int sizeBytes) {
        byte[] frame =
                Frames.ip("2001:db8::1 > 2001:db8::2", protocol).payload(64).bytes();
        frame[IPV6_PAYLOAD_LENGTH + 1] = (byte) sizeBytes;
        return parsed(Arrays.copyOf(frame, ENDS_AT_6 + sizeBytes));
    }

    private static Packet parsed(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        assertThat(PacketParser.parse(packet)).isTrue();
        return packet;
    }
}
