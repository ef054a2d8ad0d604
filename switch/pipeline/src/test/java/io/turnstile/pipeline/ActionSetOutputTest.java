package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The field {@code actset_output} (OpenFlow 1.5.1 §5.6.2, ovs-fields(7)). */
class ActionSetOutputTest {
    private final PipelineBench bench = new PipelineBench(4);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "drop                                                     | UNSET",
                "write_actions(output:2)                                  | 2",
                "write_actions(output:2,output:3)                         | 3",
                "write_actions(set_field:1->reg0)                         | UNSET",
                "write_actions(controller)                                | CONTROLLER",
                "write_actions(LOCAL)                                     | LOCAL",
                "write_actions(output:2,group:1)                          | UNSET",
                "write_actions(group:1,output:2)                          | UNSET"
            })
    void itSaysWhereTheActionSetOutputsTo(String actions, String port) {
        bench.groups("group_id=1,type=all,bucket=output:2");
        String first = actions.equals("drop") ? "goto_table:1" : actions + ",goto_table:1";
        bench.flows("in_port=1,actions=" + first, "table=1,priority=9,actset_output=" + port + ",actions=output:4");
        assertThat(bench.receive(1, udp().bytes())).contains("4");
    }

    @Test
    void aClearedActionSetOutputsToNone() {
        bench.flows(
                "in_port=1,actions=write_actions(output:2),goto_table:1",
                "table=1,actions=clear_actions,goto_table:2",
                "table=2,actset_output=UNSET,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("3");
    }

    @Test
    void anotherBridgeHasAnActionSetOfItsOwn() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        bench.addPort(br1, 7);
        bench.join(bench.br0, 10, br1, 11);
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        bench.flows(
                "in_port=1,actions=write_actions(output:2),goto_table:1",
                "table=1,actions=output:10,resubmit(,2)",
                "table=2,actset_output=2,actions=output:3");
        bench.flows(br1, "actset_output=UNSET,actions=output:7");
        assertThat(bench.receive(1, udp().bytes())).containsExactly("7", "3", "2");
    }

    @Test
    void itOutlivesARecirculation() {
        bench.flows(
                "in_port=1,actions=write_actions(output:2),goto_table:1",
                "table=1,ip,actions=ct(table=2)",
                "table=2,actset_output=2,actions=output:3");
        assertThat(bench.receive(1, udp().bytes())).containsExactlyInAnyOrder("2", "3", "2");
    }

    @Test
    void aTraceSaysNothingOfIt() {
        bench.flows("in_port=1,actions=output:2");
        assertThat(bench.pipeline.trace(bench.br0, 1, PipelineBench.keyOf(1, udp().bytes())))
                .contains("Final flow: unchanged")
                .doesNotContain("actset_output");
    }
}
