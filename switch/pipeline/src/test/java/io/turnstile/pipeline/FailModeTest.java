package io.turnstile.pipeline;

import static io.turnstile.pipeline.SampleFrames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.RepeatedTest;
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

    /** A change that goes on until the latch says so, and lets others read meanwhile. */
    private Thread startLongChange(CountDownLatch mayEnd) throws InterruptedException {
        bench.pipeline.setSliceNs(0);
        CountDownLatch begun = new CountDownLatch(1);
        Thread longChange = Thread.ofPlatform()
                .start(() -> bench.pipeline.change(effects -> {
                    begun.countDown();
                    while (mayEnd.getCount() > 0) {
                        effects.breathe();
                    }
                }));
        begun.await();
        return longChange;
    }

    private void loseControllers() {
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        bench.br0.setControllersConfigured(true);
        bench.pass(Duration.ofSeconds(15));
        assertThat(bench.br0.isStandalone()).isTrue();
    }

    @Test
    @Timeout(20)
    void theFlowsOfAControllerThatCameDuringALongChangeTakeEffectAtOnce() throws Exception {
        loseControllers();
        CountDownLatch mayEnd = new CountDownLatch(1);
        Thread longChange = startLongChange(mayEnd);
        bench.br0.controllerConnected(true);
        mayEnd.countDown();
        longChange.join();
        assertThat(bench.br0.isStandalone())
                .as("nobody has had the time to give back")
                .isTrue();
        bench.flows("in_port=1,actions=output:2");
        assertThat(bench.br0.isStandalone()).isFalse();
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2");
    }

    @Test
    @Timeout(20)
    void housekeepingDoesNotWaitForALongChange() throws Exception {
        bench.br0.setFailMode(BridgePipeline.FailMode.STANDALONE);
        bench.flows("actions=NORMAL").receive(1, udp().bytes());
        bench.br0.setControllersConfigured(true);
        bench.clock.advance(Duration.ofHours(1)); // both to take over and to forget the station are due
        CountDownLatch mayEnd = new CountDownLatch(1);
        Thread longChange = startLongChange(mayEnd);
        try {
            Thread housekeeping = Thread.ofPlatform().start(() -> bench.pipeline.maintain(bench.clock.nowNs()));
            assertThat(housekeeping.join(Duration.ofSeconds(10))).isTrue();
            assertThat(bench.br0.isStandalone()).as("left for another time").isFalse();
        } finally {
            mayEnd.countDown();
            longChange.join();
        }
        bench.pipeline.maintain(bench.clock.nowNs());
        assertThat(bench.br0.isStandalone()).isTrue();
    }

    /** Whether the hidden flow was met after it was not, while the change was made. */
    private boolean meetsHiddenFlowAgain(CountDownLatch looking, AtomicBoolean made) {
        long[] key = PipelineBench.keyOf(1, udp().bytes());
        boolean gone = false;
        boolean metAgain = false;
        while (!made.get()) {
            boolean met = bench.pipeline.read(() -> {
                Rule rule = bench.br0.table(0).find(key, FlowKey.newKey(), new ArrayList<>());
                return rule != null && rule.isHidden();
            });
            metAgain |= met && gone;
            gone |= !met;
            looking.countDown();
        }
        return metAgain;
    }

    @RepeatedTest(10)
    @Timeout(20)
    void theHiddenFlowThatGoesWithAllOthersIsNotMetOnceTheyAreGone() throws Exception {
        loseControllers();
        for (int i = 0; i < 100; i++) {
            bench.flows("priority=" + i + ",udp,tp_dst=" + i + ",actions=output:2");
        }
        bench.pipeline.setSliceNs(0);
        AtomicBoolean made = new AtomicBoolean();
        try (ExecutorService readers = Executors.newFixedThreadPool(2)) {
            CountDownLatch looking = new CountDownLatch(2);
            Callable<Boolean> reader = () -> meetsHiddenFlowAgain(looking, made);
            List<Future<Boolean>> results = List.of(readers.submit(reader), readers.submit(reader));
            try {
                looking.await();
                bench.br0.setControllersConfigured(false);
            } finally {
                made.set(true);
            }
            for (Future<Boolean> result : results) {
                assertThat(result.get()).isFalse();
            }
        }
        assertThat(bench.receive(1, udp().bytes())).containsExactly("2", "3");
        assertThat(bench.packetCount("table=0")).isEqualTo(1);
    }
}
