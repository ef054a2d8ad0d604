package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.port.PortFrames;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** What the kernel might say of a link. */
class LinkMessageFuzzTest {
    private static final int INDEX_OFFSET = 4;

    static Stream<byte[]> seeds() {
        String info = "00000100 05000000 43100100 ffffffff";
        return Stream.of(
                PortFrames.hex(info + "0900 0300 65746830 00 000000 0800 0400 dc050000 0a00 0100 020000000001 0000"),
                PortFrames.hex(info + "bc00 1700" + "0807060504030201".repeat(23) + "0800 2300 02000000"));
    }

    @MethodSource("seeds")
    @FuzzTest
    void attributesAreReadWithinTheMessage(byte[] input) {
        byte[] body = Arrays.copyOf(input, Math.max(LinkMessage.INFO_BYTES, input.length));
        MemorySegment exact = Arena.ofAuto().allocate(body.length, 8).copyFrom(MemorySegment.ofArray(body));
        LinkMessage link = LinkMessage.parse(LinkMessage.RTM_NEWLINK, exact);
        assertThat(link.ifIndex()).isEqualTo(exact.get(ValueLayout.JAVA_INT, INDEX_OFFSET));
        assertThat(link.name()).doesNotContain("\0");
        assertThat(link.macAddress() >>> 48).isZero();
        assertThat(link.carrierChanges()).isBetween(0L, 0xffff_ffffL);
        assertThat(link.status(0, 0).ifIndex()).isEqualTo(link.ifIndex());
    }
}
