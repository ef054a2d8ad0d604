package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Flows that packets learn, forget and shorten, copies of packets, and conjunctions, seen from outside. */
class EmbeddedLearningTest {
    private static final String LEARN = "udp actions=learn(table=1,hard_timeout=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
            + "output:NXM_OF_IN_PORT[]),resubmit(,1)";

    private final EmbeddedSwitch sw = EmbeddedSwitch.builder().ports(1, 2, 3).start();
    private final byte[] there =
            Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").eth(0x01, 0x02).payload(8).bytes();
    private final byte[] back =
            Frames.udp("10.0.0.2:53 > 10.0.0.1:1000").eth(0x02, 0x01).payload(8).bytes();

    @BeforeEach
    void empty() {
        sw.deleteFlows();
    }

    @AfterEach
    void end() {
        sw.close();
    }

    private void flows(String... lines) {
        sw.flows(String.join("\n", lines));
    }

    private List<String> learned() {
        return sw.dumpFlows().stream()
                .filter(flow -> flow.contains(" table=1,"))
                .toList();
    }

    @Test
    void whatOnePacketTeachesTheNextMeets() {
        flows(LEARN, "table=1,priority=0 actions=output:3");
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(3)).containsExactly(there);
        sw.receive(2, back);
        assertThat(sw.takeSentBytes(1)).containsExactly(back);
        assertThat(learned())
                .anyMatch(flow -> flow.contains("hard_timeout=10") && flow.endsWith("actions=output:1"))
                .hasSize(3);
    }

    @Test
    void packetsOfTheDatapathFlowKeepWhatTheyTaughtFresh() {
        flows(LEARN, "table=1,priority=0 actions=output:3");
        for (int second = 0; second < 30; second += 4) {
            sw.receive(1, there);
            sw.advance(Duration.ofSeconds(4));
        }
        assertThat(learned()).hasSize(2);
        sw.advance(Duration.ofSeconds(15));
        assertThat(learned()).hasSize(1);
    }

    @Test
    void whatWasDeletedIsLearnedAgain() {
        flows(LEARN, "table=1,priority=0 actions=output:3");
        sw.receive(1, there);
        sw.deleteFlows("table=1");
        assertThat(learned()).isEmpty();
        sw.receive(1, there);
        sw.receive(1, there);
        sw.advance(Duration.ofSeconds(2));
        assertThat(learned()).hasSize(1);
    }

    @Test
    void beyondTheLimitNothingIsLearnedUntilSomethingGoes() {
        flows(
                "udp actions=learn(table=1,cookie=0x5,limit=1,hard_timeout=5,result_dst=NXM_NX_REG0[0],"
                        + "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),resubmit(,2)",
                "table=2,reg0=1 actions=output:2",
                "table=2,reg0=0 actions=output:3");
        sw.receive(1, there);
        sw.receive(1, back);
        assertThat(sw.takeSentBytes(2)).containsExactly(there);
        assertThat(sw.takeSentBytes(3)).containsExactly(back);
        assertThat(learned()).hasSize(1);
        sw.advance(Duration.ofSeconds(10));
        sw.receive(1, back);
        assertThat(sw.takeSentBytes(2)).containsExactly(back);
    }

    @Test
    void withItsTeacherGoesWhatItTaught() {
        flows(
                "udp actions=learn(table=1,cookie=0x7,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])",
                "table=1,cookie=0x8,tcp actions=drop");
        sw.receive(1, there);
        assertThat(learned()).hasSize(2);
        sw.deleteFlows("table=0,udp");
        assertThat(learned()).singleElement().asString().contains("cookie=0x8");
    }

    @Test
    void whatWasTaughtStaysAsLongAsAnyOfItsTeachers() {
        flows(
                "table=0,udp actions=learn(table=1,cookie=0x7,delete_learned,eth_type=0x800,output:NXM_OF_IN_PORT[])",
                "table=1,priority=1,cookie=0x9,tcp actions=learn(table=1,cookie=0x7,delete_learned,eth_type=0x806)");
        sw.receive(1, there);
        assertThat(learned()).hasSize(2);
        sw.deleteFlows("table=0,udp");
        assertThat(learned()).as("there is another who teaches so").hasSize(2);
        sw.deleteFlows("table=1,tcp");
        assertThat(learned()).isEmpty();
    }

    @Test
    void aTeacherInACloneIsOneToo() {
        flows("udp actions=clone(learn(table=1,cookie=0x7,delete_learned,eth_type=0x800))");
        sw.receive(1, there);
        assertThat(learned()).hasSize(1);
        sw.deleteFlows("table=0,udp");
        assertThat(learned()).isEmpty();
    }

    @Test
    void finShortensWhatWasLearned() {
        flows("tcp actions=learn(table=1,idle_timeout=60,fin_idle_timeout=5,eth_type=0x800,nw_proto=6,"
                + "NXM_OF_TCP_SRC[]),resubmit(,1)");
        byte[] syn = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").syn().bytes();
        byte[] fin = Frames.tcp("10.0.0.1:1000 > 10.0.0.2:80").fin().bytes();
        sw.receive(1, syn);
        assertThat(learned()).singleElement().asString().contains("idle_timeout=60");
        sw.receive(1, fin);
        assertThat(learned())
                .singleElement()
                .asString()
                .contains("idle_timeout=5")
                .contains("fin_timeout(idle_timeout=5)");
    }

    @Test
    void copyChangesAndThePacketDoesNot() {
        flows("udp actions=clone(set_field:10.9.9.9->ip_dst,output:2),output:3");
        sw.receive(1, there);
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(3)).containsExactly(there, there);
        byte[] changed = Frames.udp("10.0.0.1:1000 > 10.9.9.9:53")
                .eth(0x01, 0x02)
                .payload(8)
                .bytes();
        assertThat(sw.takeSentBytes(2)).containsExactly(changed, changed);
    }

    @Test
    void trackedCopyLeavesThePacketUntracked() {
        flows(
                "udp,ct_state=-trk actions=clone(ct(commit,table=1)),resubmit(,2)",
                "table=1,ct_state=+trk actions=output:2",
                "table=2,ct_state=-trk actions=output:3");
        sw.receive(1, there);
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(2)).hasSize(2);
        assertThat(sw.takeSentBytes(3)).containsExactly(there, there);
    }

    @Test
    void packetThatMeetsAllClausesMeetsTheConjunction() {
        flows(
                "priority=100,ip,nw_src=10.0.0.1 actions=conjunction(5,1/2)",
                "priority=100,ip,nw_src=10.0.0.3 actions=conjunction(5,1/2)",
                "priority=100,udp,tp_dst=53 actions=conjunction(5,2/2)",
                "priority=10,conj_id=5,ip actions=output:2",
                "priority=0 actions=output:3");
        sw.receive(1, there);
        sw.receive(1, there);
        sw.receive(1, back);
        assertThat(sw.takeSentBytes(2)).containsExactly(there, there);
        assertThat(sw.takeSentBytes(3)).containsExactly(back);
    }

    @Test
    void clauseThatGoesTakesItsConjunctionAlong() {
        flows(
                "priority=100,ip,nw_src=10.0.0.1 actions=conjunction(5,1/2)",
                "priority=100,udp,tp_dst=53 actions=conjunction(5,2/2)",
                "priority=10,conj_id=5,ip actions=output:2",
                "priority=0 actions=output:3");
        sw.receive(1, there);
        sw.deleteFlows("udp,tp_dst=53");
        sw.receive(1, there);
        flows("priority=100,udp,tp_dst=53 actions=conjunction(5,2/2)");
        sw.receive(1, there);
        assertThat(sw.takeSentBytes(2)).containsExactly(there, there);
        assertThat(sw.takeSentBytes(3)).containsExactly(there);
    }
}
