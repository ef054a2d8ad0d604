package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.port.PortFrames;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the kernel says beside a frame, and how a packet says it back. */
class ReceivedFrameTest {
    private static MemorySegment header(String digits) {
        byte[] bytes = PortFrames.hex(digits);
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return memory;
    }

    private static String written(Packet packet) {
        MemorySegment memory = header("ffffffffffffffffffff");
        VirtioNetHeader.write(memory, 0, packet);
        return HexFormat.of().formatHex(memory.toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void aStrippedTagIsPutBackBehindTheAddresses() {
        Packet packet = Packet.copyOf(PortFrames.hex("020000000002 020000000001 0800 4500"));
        ReceiveRing.restoreVlanTag(packet, 0x6005, 0x8100);
        assertThat(packet.toBytes()).isEqualTo(PortFrames.hex("020000000002 020000000001 8100 6005 0800 4500"));
    }

    @Test
    void aChecksumLeftOpenMovesWithTheTag() {
        Packet packet = Packet.copyOf(new byte[60]);
        assertThat(VirtioNetHeader.apply(header("01 00 0000 0000 2200 0600"), 0, packet))
                .isTrue();
        ReceiveRing.restoreVlanTag(packet, 5, 0x8100);
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
        assertThat(packet.checksumStart()).isEqualTo(38);
        assertThat(packet.checksumField()).isEqualTo(44);
    }

    @Test
    void verifiedAndUnknownChecksumsAreToldApart() {
        Packet packet = Packet.copyOf(new byte[60]);
        VirtioNetHeader.apply(header("00 00 0000 0000 0000 0000"), 0, packet);
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.UNVERIFIED);
        VirtioNetHeader.apply(header("02 00 0000 0000 0000 0000"), 0, packet);
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.GOOD);
    }

    @Test
    void aChecksumOutsideTheFrameIsRefused() {
        assertThat(VirtioNetHeader.apply(header("01 00 0000 0000 3400 0700"), 0, Packet.copyOf(new byte[60])))
                .isFalse();
        assertThat(VirtioNetHeader.apply(header("01 00 0000 0000 3400 0600"), 0, Packet.copyOf(new byte[60])))
                .isTrue();
    }

    @Test
    void anOrdinaryFrameIsSentWithAnEmptyHeader() {
        assertThat(written(Packet.copyOf(new byte[60]))).isEqualTo("00000000000000000000");
    }

    @Test
    void aSuperFrameSaysItsKindHeaderAndSegmentSize() {
        Packet packet = PortFrames.superFrame(3000, 1000);
        packet.putU8(34 + 13, 0x18);
        // NEEDS_CSUM, TCPV4, header 66, segment 1000, start 34, offset 16
        assertThat(written(packet)).isEqualTo("0101" + "4200" + "e803" + "2200" + "1000");
    }

    @Test
    void aWindowReductionIsMarkedOnASuperFrame() {
        assertThat(written(PortFrames.superFrame(3000, 1000))).startsWith("0181");
    }

    /** RFC 9260 §6.8: the header asks for ones-complement sums only, and a wire's other end wants the CRC. */
    @Test
    void checksumOfSctpThatWasLeftOpenIsWrittenOnTheWayOut() {
        byte[] chunk = {0, 3, 0, 17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 65};
        byte[] frame = Frames.sctp("10.0.0.1:5000 > 10.0.0.2:36412", 7, chunk).bytes();
        byte[] open = frame.clone();
        Arrays.fill(open, 42, 46, (byte) 0);
        Packet packet = Packet.copyOf(open);
        assertThat(VirtioNetHeader.apply(header("01 00 0000 0000 2200 0800"), 0, packet))
                .isTrue();
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
        assertThat(written(packet)).isEqualTo("00000000000000000000");
        assertThat(packet.toBytes()).isEqualTo(frame);
    }

    @Test
    void anythingInAHeaderIsEitherRefusedOrStaysInsideTheFrame() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] bytes = new byte[VirtioNetHeader.SIZE_BYTES];
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length);
        for (int i = 0; i < 20_000; i++) {
            random.nextBytes(bytes);
            bytes[7] &= 1;
            bytes[9] = 0;
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            Packet packet = Packet.copyOf(new byte[random.nextInt(14, 200)]);
            if (VirtioNetHeader.apply(memory, 0, packet) && packet.checksumState() == ChecksumState.PARTIAL) {
                assertThat(packet.checksumField() + 2).as("seed %d", seed).isLessThanOrEqualTo(packet.lengthBytes());
                VirtioNetHeader.write(memory, 0, packet);
            }
        }
    }
}
