package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.port.PortFrames;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** What the kernel might say before a frame. Input: the header and the frame. */
class VirtioNetHeaderFuzzTest {

    static Stream<byte[]> seeds() {
        String frame = "020000000002 020000000001 0800" + "00".repeat(60);
        return Stream.of(
                PortFrames.hex("01 00 0000 0000 2200 0600" + frame),
                PortFrames.hex("01 01 4200 a805 2200 1000" + frame),
                PortFrames.hex("02 00 0000 0000 0000 0000" + frame));
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatWasTakenOverIsSaidAgain(byte[] input) {
        byte[] header = Arrays.copyOf(input, VirtioNetHeader.SIZE_BYTES);
        byte[] frame = Arrays.copyOfRange(input, Math.min(header.length, input.length), input.length);
        Packet packet = Packet.copyOf(frame);
        if (!VirtioNetHeader.apply(memory(header), 0, packet)) {
            return;
        }
        Packet again = Packet.copyOf(frame);
        MemorySegment said = memory(new byte[VirtioNetHeader.SIZE_BYTES]);
        VirtioNetHeader.write(said, 0, packet);
        assertThat(VirtioNetHeader.apply(said, 0, again)).isTrue();
        assertThat(again.segmentBytes()).isEqualTo(packet.segmentBytes());
        if (packet.checksumState() == ChecksumState.PARTIAL) {
            assertThat(packet.checksumField() + 2).isLessThanOrEqualTo(frame.length);
            assertThat(again.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            assertThat(again.checksumStart()).isEqualTo(packet.checksumStart());
            assertThat(again.checksumField()).isEqualTo(packet.checksumField());
        }
    }

    private static MemorySegment memory(byte[] bytes) {
        return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }
}
