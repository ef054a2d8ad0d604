package io.turnstile.packet;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet.ChecksumState;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TcpPayloadTest {
    private static final String[] ENDS = {"10.0.0.1:1234 > 10.0.0.2:21", "[2001:db8::1]:1234 > [2001:db8::2]:21"};

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);

    @Test
    void theFrameIsTheOneThatWouldHaveBeenSentWithTheOtherPayload() {
        for (int turn = 0; turn < 2_000; turn++) {
            String ends = ENDS[random.nextInt(2)];
            String payload = text(random.nextInt(60));
            int from = random.nextInt(payload.length() + 1);
            int to = from + random.nextInt(payload.length() + 1 - from);
            String replacement = text(random.nextInt(40));
            boolean tagged = random.nextBoolean();
            Packet packet = frame(ends, payload, tagged).packet();
            int offset = packet.l4Offset() + 20;
            boolean open = random.nextBoolean();
            if (open) {
                leaveOpen(packet);
            }

            assertThat(TcpPayload.replace(packet, offset + from, offset + to, replacement))
                    .isTrue();

            Packet expected = frame(ends, payload.substring(0, from) + replacement + payload.substring(to), tagged)
                    .packet();
            if (open) {
                assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
                InternetChecksum.complete(packet);
            }
            assertThat(packet.toBytes()).as("seed %d turn %d", seed, turn).isEqualTo(expected.toBytes());
            assertThat(packet.l3Offset()).isEqualTo(expected.l3Offset());
            assertThat(packet.l4Offset()).isEqualTo(expected.l4Offset());
            assertThat(packet.l3EndOffset()).isEqualTo(expected.l3EndOffset());
        }
    }

    @Test
    void withoutHeadroomNothingChanges() {
        Packet packet = frame(ENDS[0], "0123", false).packet();
        while (packet.frameStart() > 3) {
            packet.insertBytes(packet.l4Offset() + 20, Math.min(packet.frameStart() - 3, 4));
        }
        byte[] before = packet.toBytes();
        int offset = packet.l4Offset() + 20;
        assertThat(TcpPayload.replace(packet, offset, offset + 1, "01234")).isFalse();
        assertThat(packet.toBytes()).isEqualTo(before);
        assertThat(TcpPayload.replace(packet, offset, offset + 1, "0123")).isTrue();
    }

    @Test
    void aPacketCannotGrowBeyondWhatIpCanSay() {
        Packet packet = frame(ENDS[0], "x".repeat(65_535 - 40), false).packet();
        byte[] before = packet.toBytes();
        int offset = packet.l4Offset() + 20;
        assertThat(TcpPayload.replace(packet, offset, offset + 1, "xx")).isFalse();
        assertThat(packet.toBytes()).isEqualTo(before);
    }

    private static Frame frame(String ends, String payload, boolean tagged) {
        Frame frame = Frames.tcp(ends).push().seq(77).payload(payload);
        return tagged ? frame.vlan(5) : frame;
    }

    private String text(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ('!' + random.nextInt(90));
        }
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private static void leaveOpen(Packet packet) {
        int l4 = packet.l4Offset();
        packet.putU16(l4 + 16, InternetChecksum.fold(InternetChecksum.pseudoHeader(packet, packet.l3EndOffset() - l4)));
        packet.setPartialChecksum(l4, l4 + 16);
    }
}
