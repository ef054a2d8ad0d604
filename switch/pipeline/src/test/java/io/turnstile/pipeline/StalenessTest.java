package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.FlowMod;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random flow modifications between random packets: after each step every datapath flow says, for any packet that it
 * matches, what a translation made right then says. That is both the proof of the wildcards and of the invalidation.
 */
class StalenessTest {
    private static final int STEPS = 250;

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18})
    void noDatapathFlowIsEverWrong(long seed) {
        PipelineBench bench = new PipelineBench(3);
        RandomFlows random = new RandomFlows(seed);
        long flowsSeen = 0;
        for (int step = 0; step < STEPS; step++) {
            change(bench, random);
            for (int i = 0; i < 6; i++) {
                bench.receive(random.port(), random.frame());
            }
            if (step % 10 == 0) {
                bench.pass(Duration.ofSeconds(1));
                bench.datapath.maintain(bench.clock.nowNs()); // which brings flows back that rules have killed
            }
            for (DatapathFlow flow : bench.datapath.flows()) {
                check(bench, random, flow, seed, step);
                flowsSeen++;
            }
        }
        assertThat(flowsSeen).isGreaterThan(STEPS);
    }

    private static void change(PipelineBench bench, RandomFlows random) {
        switch (random.upTo(8)) {
            case 0 ->
                bench.change(
                        bench.br0,
                        FlowMod.Command.DELETE,
                        "table=" + random.upTo(3) + ",ip,nw_src=10.0.0." + random.upTo(4));
            case 1 ->
                bench.change(
                        bench.br0,
                        FlowMod.Command.MODIFY,
                        "table=" + random.upTo(3) + ",udp,actions="
                                + random.actions().replace("dec_ttl", "drop").replaceAll("(.*,)?drop(,.*)?", "drop"));
            case 2 -> {
                // Packets only.
            }
            default -> bench.flows(random.flow());
        }
    }

    private static void check(PipelineBench bench, RandomFlows random, DatapathFlow flow, long seed, int step) {
        for (int i = 0; i < 2; i++) {
            long[] member = random.memberOf(Arrays.copyOf(flow.key(), FlowKey.WORDS), flow.mask());
            assertThat(bench.freshActions(member))
                    .as("seed %d step %d: %s", seed, step, DatapathFlowText.line(flow, flow.createdNs()))
                    .isEqualTo(PipelineBench.actions(flow));
        }
    }
}
