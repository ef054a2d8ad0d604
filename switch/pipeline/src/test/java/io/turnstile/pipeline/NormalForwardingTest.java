package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.MAC_A;
import static io.turnstile.pipeline.SampleFrames.MAC_B;
import static io.turnstile.pipeline.SampleFrames.dns;
import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What NORMAL learns, forgets and does with it. */
class NormalForwardingTest {
    private final PipelineBench bench = new PipelineBench(3);
    private final PipelineBench four = new PipelineBench(4);

    @Test
    void normalFloodsUntilItKnowsWhere() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2", "3");
        assertThat(bench.receive(2, udp().eth(0xb, 0xa).bytes())).containsExactly("1");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
    }

    @Test
    void normalDropsAFrameToItsOwnSenderFromTheFirstOn() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0xa).bytes())).isEmpty();
        assertThat(bench.receive(1, udp().eth(0xa, 0xa).bytes())).isEmpty();
    }

    @Test
    void normalFollowsAStationThatMoves() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
        bench.receive(3, udp().eth(0xb, 0xff).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("3");
    }

    @Test
    void stationThatMovesBackOverACachedFlowIsLearnedInMaintenance() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(3, udp().eth(0xb, 0xff).bytes());
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.pass(Duration.ofMillis(500));
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2");
    }

    @Test
    void addressesAreLearnedByVlan() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).vlan(5).bytes());
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(6).bytes())).containsExactly("2", "3");
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).vlan(5).bytes())).containsExactly("2");
        assertThat(bench.br0.macEntries())
                .extracting(BridgePipeline.MacEntry::vlan)
                .containsExactly(5, 6, 5);
    }

    @Test
    void addressesAgeUnlessPacketsStillCome() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(3, udp().eth(0xc, 0xff).bytes());
        bench.pass(Duration.ofSeconds(200));
        bench.receive(3, udp().eth(0xc, 0xff).bytes());
        bench.pass(Duration.ofSeconds(100));
        assertThat(bench.br0.macEntries())
                .extracting(BridgePipeline.MacEntry::mac)
                .containsExactly(0xcL);
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("2", "3");
    }

    @Test
    void learnedPortThatGoesIsForgotten() {
        bench.flows("actions=NORMAL");
        bench.receive(2, udp().eth(0xb, 0xff).bytes());
        bench.receive(1, udp().eth(0xa, 0xb).bytes());
        bench.br0.removePort(2);
        assertThat(bench.receive(1, udp().eth(0xa, 0xb).bytes())).containsExactly("3");
    }

    @Test
    void reservedGroupAddressesAreNotForwarded() {
        bench.flows("actions=NORMAL");
        assertThat(bench.receive(1, udp().eth(0xa, 0x0180c2000000L).bytes())).isEmpty();
    }

    @Test
    void normalLearnsMovesAndForgets() {
        four.flows("actions=NORMAL");
        byte[] fromA = dns().bytes();
        byte[] toA = dns().eth(MAC_B, MAC_A).bytes();
        assertThat(four.receive(1, fromA)).containsExactlyInAnyOrder("2", "3", "4");
        assertThat(four.receive(2, toA)).containsExactly("1");
        assertThat(four.receive(3, fromA)).as("A has moved").containsExactly("2");
        assertThat(four.receive(2, toA)).containsExactly("3");
        four.pass(Duration.ofSeconds(290));
        four.receive(3, fromA);
        four.pass(Duration.ofSeconds(290));
        assertThat(four.receive(4, dns().eth(MAC_B + 1, MAC_A).bytes())).containsExactly("3");
        four.pass(Duration.ofSeconds(301));
        assertThat(four.receive(2, toA)).containsExactlyInAnyOrder("1", "3", "4");
    }

    @Test
    void vlansLearnApart() {
        four.flows("actions=NORMAL");
        assertThat(four.receive(1, dns().tag(5).bytes())).containsExactlyInAnyOrder("2", "3", "4");
        assertThat(four.receive(2, dns().eth(MAC_B, MAC_A).tag(6).bytes())).containsExactlyInAnyOrder("1", "3", "4");
        assertThat(four.receive(2, dns().eth(MAC_B, MAC_A).tag(5).bytes())).containsExactly("1");
    }
}
