package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.packet.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The datapath flows that rest on something, while they come and go in large numbers. */
class DependentsTest {
    private final PipelineBench bench = new PipelineBench(2);

    private List<DatapathFlow> someFlows() {
        for (int i = 1; i <= 5; i++) {
            bench.flows("priority=1,udp,tp_src=" + i + ",actions=drop");
        }
        for (int port = 0; port < 2_000; port++) {
            bench.receive(
                    1,
                    Frames.udp("10.0.0.1:" + (1_000 + port) + " > 10.0.0.2:53").bytes());
        }
        return bench.datapath.flows();
    }

    @Test
    void nothingIsLostWhenTheSetShrinks() {
        Random random = new Random(1);
        List<DatapathFlow> flows = someFlows();
        assertThat(flows).hasSize(2_000);
        Dependents dependents = new Dependents();
        flows.forEach(dependents::add);
        List<DatapathFlow> present = new ArrayList<>(flows);
        while (!present.isEmpty()) {
            dependents.remove(present.remove(random.nextInt(present.size())));
            if (present.size() % 50 == 0) {
                List<DatapathFlow> collected = new ArrayList<>();
                dependents.collectInto(collected);
                assertThat(collected).containsExactlyInAnyOrderElementsOf(present);
            }
            assertThat(dependents.size()).isEqualTo(present.size());
        }
        assertThat(dependents.isEmpty()).isTrue();
    }
}
