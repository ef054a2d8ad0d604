package io.turnstile.conntrack.fragment;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.FragmentKind;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any sequence of fragments, well made or not. Input: for each frame two octets of length and its bytes. */
class FragmentReassemblerFuzzTest {
    private static final long AGES_NS = 3_600_000_000_000L;

    static Stream<byte[]> seeds() {
        return Stream.of("10.0.0.1:1000 > 10.0.0.2:2000", "[fd00::1]:1000 > [fd00::2]:2000")
                .map(ends -> FrameFragments.cut(Frames.udp(ends).payload(100).bytes(), 7, 48))
                .map(FragmentReassemblerFuzzTest::input);
    }

    private static byte[] input(List<byte[]> frames) {
        ByteBuffer input = ByteBuffer.allocate(
                frames.stream().mapToInt(frame -> Short.BYTES + frame.length).sum());
        frames.forEach(frame -> input.putShort((short) frame.length).put(frame));
        return input.array();
    }

    @MethodSource("seeds")
    @FuzzTest
    void whatComesOutIsWholeOrAsItWas(byte[] input) {
        FragmentReassembler reassembler = new FragmentReassembler();
        CompletedDatagrams completed = new CompletedDatagrams();
        ByteBuffer rest = ByteBuffer.wrap(input);
        while (rest.remaining() > Short.BYTES) {
            byte[] frame = new byte[Math.min(rest.getShort() & 0xffff, rest.remaining())];
            rest.get(frame);
            Packet packet = Packet.copyOf(frame);
            PacketParser.parse(packet);
            PacketBatch batch = new PacketBatch();
            batch.add(packet);
            reassembler.takeFragments(batch, 0, 0, completed);
            if (!batch.isEmpty()) {
                Packet out = batch.get(0);
                if (completed.of(out) == null) {
                    assertThat(out.toBytes()).isEqualTo(frame);
                } else {
                    assertThat(out.fragment()).isEqualTo(FragmentKind.NONE);
                }
            }
            reassembler.release(completed);
        }
        reassembler.expire(AGES_NS);
        assertThat(reassembler.status().held()).isZero();
        assertThat(reassembler.incomplete()).isEmpty();
    }
}
