package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a bridge does without controllers. */
class FailModeTest {
    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void newBridgeSwitchesByAVisibleFlowAndASecureOneDoesNot() {
        BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
        OpenFlowSwitch.FlowQuery all =
                new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, OfAction.Ports.NONE);
        assertThat(br1.flows(all)).singleElement().satisfies(flow -> {
            assertThat(flow.priority()).isZero();
            assertThat(FlowText.format(flow.actions())).isEqualTo("NORMAL");
        });
        br1.setFailMode(BridgePipeline.FailMode.SECURE);
        assertThat(br1.flows(all)).isEmpty();
        assertThat(br1.isStandalone()).isFalse();
    }

    @Test
    void standaloneBridgeTakesOverWhenItsControllersStaySilent() {
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        bench.br0.setControllersConfigured(true);
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
        bench.pass(Duration.ofSeconds(15));
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2", "3");
        assertThat(bench.br0.isStandalone()).isTrue();
        assertThat(bench.allFlows()).as("the flow is hidden").isEmpty();
        bench.br0.controllerConnected(true);
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }

    @Test
    @Timeout(20)
    void aControllerThatComesDuringALongChangeIsHeardOfAfterIt() throws Exception {
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        bench.br0.setControllersConfigured(true);
        bench.pass(Duration.ofSeconds(15));
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        Thread longChange = Thread.ofPlatform()
                .start(() -> bench.pipeline.change(_ -> {
                    begun.countDown();
                    assertThatCode(mayEnd::await).doesNotThrowAnyException();
                }));
        begun.await();
        bench.br0.controllerConnected(true); // returns, although the change goes on
        assertThat(longChange.isAlive()).isTrue();
        mayEnd.countDown();
        longChange.join();
        bench.pass(Duration.ofMillis(500));
        assertThat(bench.br0.isStandalone()).isFalse();
        assertThat(bench.receive(1, udp().bytes())).isEmpty();
    }
}
