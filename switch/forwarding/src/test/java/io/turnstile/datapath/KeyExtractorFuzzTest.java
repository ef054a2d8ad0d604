package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** The key of any frame. */
class KeyExtractorFuzzTest {
    private static final int SEEDS = 40;

    static Stream<byte[]> seeds() {
        FrameSamples samples = new FrameSamples(new Random(1));
        return Stream.concat(
                Stream.generate(samples::next).limit(SEEDS),
                Stream.of(
                                "8847" + "00001040" + "00002040" + "00003140" + "45",
                                "81000005" + "8848" + "00001140" + "60",
                                "894f" + "0fc60103" + "001234ff" + "11223344".repeat(4),
                                "894f" + "0fc40203" + "001234ff" + "10000a0412345678",
                                "0010" + "aaaa03000000" + "0806" + "0001")
                        .map(behind -> HexFormat.of().parseHex("020000000002020000000001" + behind)));
    }

    @MethodSource("seeds")
    @FuzzTest
    void keyIsMadeOfFieldsAndOfNothingBehindTheNetworkLayer(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        if (!PacketParser.parse(packet)) {
            assertThat(frame.length).isLessThan(PacketParser.ETHERNET_BYTES);
            return;
        }
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        assertThat(packet.toBytes()).isEqualTo(frame);
        long[] ofFields = FlowKey.newKey();
        for (Field field : Field.values()) {
            field.set(ofFields, field.getHigh(key), field.get(key));
        }
        assertThat(ofFields).isEqualTo(key);
        if (packet.l3Offset() != Packet.ABSENT) {
            assertThat(keyWithPadding(frame)).isEqualTo(key);
        }
    }

    /** Overwrites what the packet had before: a word that is not written would show. */
    private static long[] keyWithPadding(byte[] frame) {
        Packet padded = Packet.copyOf(Arrays.copyOf(frame, frame.length + 9));
        PacketParser.parse(padded);
        long[] key = FlowKey.newKey();
        Arrays.fill(key, 0, FlowKey.DATAPATH_WORDS, -1);
        KeyExtractor.extract(padded, key);
        return key;
    }
}
