package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.FlowText;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a bridge does with fragments, by {@code set-frags}. */
class FragmentHandlingTest {
    private static final String WHOLE = "in_port=1,tcp,nw_frag=no,tcp_dst=80";
    private static final String FIRST = "in_port=1,tcp,nw_frag=first,tcp_dst=80";
    private static final String LATER = "in_port=1,tcp,nw_frag=later";

    private final PipelineBench bench = new PipelineBench(3);

    FragmentHandlingTest() {
        bench.flows("priority=2,tcp,tcp_dst=80,actions=output:2", "priority=1,tcp,actions=output:3");
    }

    private String trace(String packet) throws Exception {
        long[] key = FlowText.parseMatch(packet).copyOfValue();
        if (packet.equals(LATER)) { // a match need not say that later ones are fragments
            Field.NW_FRAG.set(key, FieldValues.FRAGMENT_ANY | FieldValues.FRAGMENT_LATER);
        }
        return bench.pipeline.trace(bench.br0, 1, key, List.of());
    }

    private String actions(String packet) throws Exception {
        String text = trace(packet);
        return text.substring(text.indexOf("Datapath actions:")).strip();
    }

    @Test
    void allFragmentsOfAPacketGoTheSameWayAsLongAsNobodyWantsOtherwise() throws Exception {
        assertThat(bench.br0.fragmentHandling()).isEqualTo(FragmentHandling.NORMAL);
        assertThat(actions(WHOLE)).endsWith(": 102");
        assertThat(actions(FIRST)).endsWith(": 103");
        assertThat(actions(LATER)).endsWith(": 103");
    }

    @Test
    void aFirstFragmentsPortsCanCount() throws Exception {
        bench.br0.setFragmentHandling(FragmentHandling.NX_MATCH);
        assertThat(actions(FIRST)).endsWith(": 102");
        assertThat(actions(LATER)).endsWith(": 103");
    }

    @Test
    void whatIsRewrittenStillIsTheFragmentsOwn() throws Exception {
        bench.flows("priority=3,tcp,nw_frag=first,actions=move:NXM_OF_TCP_DST[]->NXM_NX_REG0[0..15],output:2");
        assertThat(trace(FIRST)).contains("NXM_NX_REG0[0..15] is now 0x50");
    }

    @Test
    void fragmentsCanBeDropped() throws Exception {
        bench.br0.setFragmentHandling(FragmentHandling.DROP);
        assertThat(actions(WHOLE)).endsWith(": 102");
        assertThat(actions(FIRST)).endsWith(": drop");
        assertThat(trace(LATER))
                .contains(" 0. Packets are IP fragments and the fragment handling mode is \"drop\".\n    drop\n")
                .contains("Megaflow: recirc_id=0,eth,ip,in_port=1,nw_frag=later\n");
    }

    @Test
    void numbersAreOpenFlows() {
        assertThat(FragmentHandling.coded(3)).isEqualTo(FragmentHandling.NX_MATCH);
        assertThat(FragmentHandling.coded(2)).as("reassembly").isNull();
    }
}
