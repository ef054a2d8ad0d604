package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** {@code output(port=…,max_len=…)}: ovs-actions(7). */
class TruncatedOutputTest {
    private static final byte[] FRAME = udp().payload(200).bytes();

    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void oneOutputIsCutAndTheNextIsWhole() {
        bench.flows("in_port=1,actions=output(port=2,max_len=100),output:3");
        assertThat(bench.receive(1, FRAME)).containsExactly("2", "3");
        assertThat(bench.sentFrames()).containsExactly(Arrays.copyOf(FRAME, 100), FRAME);
        assertThat(bench.datapathActions()).containsExactly("trunc(100),102,103");
    }

    @Test
    void aShorterFrameStaysAsItIs() {
        bench.flows("in_port=1,actions=output(port=2,max_len=4294967295)");
        bench.receive(1, FRAME);
        assertThat(bench.sentFrames()).containsExactly(FRAME);
    }

    @Test
    void aChecksumThatIsStillToBeWrittenIsThatOfTheWholeFrame() {
        bench.flows("in_port=1,actions=output(port=2,max_len=60)");
        Packet packet = Packet.copyOf(FRAME);
        int transport = 14 + 20;
        // What a sender that leaves the sum to its device writes: that of the pseudo-header.
        packet.putU16(transport + 6, 0);
        packet.setPartialChecksum(transport, transport + 6);
        packet.putU16(transport + 6, pseudoHeaderSum(FRAME, transport));
        packet.setInPort(101);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        bench.datapath.process(batch, bench.datapath.newContext());
        assertThat(bench.sentFrames()).containsExactly(Arrays.copyOf(FRAME, 60));
    }

    private static int pseudoHeaderSum(byte[] frame, int transport) {
        long sum = 17 + frame.length - transport;
        for (int at = 26; at < 34; at += 2) {
            sum += (frame[at] & 0xff) << 8 | frame[at + 1] & 0xff;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) sum;
    }

    /** As in Open vSwitch: a reserved port, a patch port, and the port by which the packet came in. */
    @Test
    void someDestinationsGetNothing() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.join(bench.br0, 10, br1, 11);
        bench.flows("in_port=1,actions=output(port=IN_PORT,max_len=60),output(port=1,max_len=60),"
                + "output(port=10,max_len=60),output(port=99,max_len=60),output:2");
        assertThat(bench.receive(1, FRAME)).containsExactly("2");
    }

    @Test
    void whatIsSampledGoesOnItsWay() {
        bench.flows("in_port=1,actions=sample(probability=65535,collector_set_id=1),output:2");
        assertThat(bench.receive(1, FRAME)).containsExactly("2");
        assertThat(bench.pipeline.trace(bench.br0, 1, PipelineBench.keyOf(1, FRAME)))
                .contains(" -> no exporter, so that nothing is sampled");
    }
}
