package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction.Output;
import io.turnstile.datapath.DatapathAction.PushMpls;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.time.ManualClock;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Joined frames that get a header in front which hides theirs: each leaves as the frames that it stands for. */
class BuriedFramesTest {
    private static final int SEGMENT_BYTES = 100;
    private static final int SEGMENTS = 5;
    private static final int TCP_HEADERS_BYTES = 54;

    private final Datapath datapath = new Datapath(new RecordingConntrack(), new ManualClock());
    private final ForwardingContext context = datapath.newContext();
    private final MemoryPort out = new MemoryPort("out");

    private static Packet joined(int port) {
        Packet packet = Frames.tcp("10.0.0.1:" + port + " > 10.0.0.2:80")
                .ack()
                .payload(SEGMENTS * SEGMENT_BYTES)
                .packet();
        PacketParser.parse(packet);
        packet.setPartialChecksum(packet.l4Offset(), packet.l4Offset() + 16);
        packet.setSegmentBytes(SEGMENT_BYTES);
        packet.setInPort(7);
        return packet;
    }

    /** Together they are more than a batch has room for, and frames that are not joined keep their places. */
    @Test
    void theyAreCutBeforeTheyAreLabelled() {
        datapath.addPort(out, 1);
        datapath.setUpcall(new ScriptedUpcall(key -> ScriptedUpcall.translation(
                "label", List.of(Field.IN_PORT), new PushMpls(EtherTypes.MPLS, 0x0001_4140), new Output(1))));
        Packet plain = Frames.tcp("10.0.0.1:3000 > 10.0.0.2:80").ack().packet();
        plain.setInPort(7);
        byte[] bare = plain.toBytes();
        PacketBatch batch = new PacketBatch();
        for (int i = 0; i < 10; i++) {
            batch.add(joined(1000 + i));
        }
        batch.add(plain);
        datapath.process(batch, context);
        assertThat(out.sent).hasSize(10 * SEGMENTS + 1);
        for (int i = 0; i < 10 * SEGMENTS; i++) {
            byte[] frame = out.sent.get(i);
            assertThat(frame).hasSize(TCP_HEADERS_BYTES + 4 + SEGMENT_BYTES);
            assertThat(HexFormat.of().formatHex(frame, 12, 18)).isEqualTo("8847" + "00014140");
            assertThat(HexFormat.of().formatHex(frame, 38, 40)).isEqualTo("%04x".formatted(1000 + i / SEGMENTS));
        }
        byte[] last = out.sent.getLast();
        assertThat(Arrays.copyOfRange(last, 18, last.length)).isEqualTo(Arrays.copyOfRange(bare, 14, bare.length));
    }
}
