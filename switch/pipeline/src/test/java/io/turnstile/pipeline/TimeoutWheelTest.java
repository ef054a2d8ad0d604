package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.pipeline.flow.FlowMod;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The wheel of timeouts against a look at all rules, also while the clock wraps. */
class TimeoutWheelTest {
    private static final long NS_PER_SECOND = 1_000_000_000L;

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE - 300 * NS_PER_SECOND, -5 * NS_PER_SECOND})
    void findsWhatHasTimedOutAndNothingElse(long originNs) {
        Random random = new Random(originNs);
        TimeoutWheel wheel = new TimeoutWheel(originNs);
        Set<Rule> present = new HashSet<>();
        long nowNs = originNs;
        int ended = 0;
        for (int step = 0; step < 3_000; step++) {
            nowNs += random.nextLong(NS_PER_SECOND * (random.nextInt(200) == 0 ? 400 : 2));
            int idle = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(random.nextBoolean() ? 5 : 700);
            Rule added = Rule.of(
                    PipelineBench.parse(
                            FlowMod.Command.ADD,
                            "idle_timeout=" + idle + ",hard_timeout="
                                    + (idle == 0 || random.nextBoolean() ? 1 + random.nextInt(600) : 0)
                                    + ",actions=drop"),
                    0,
                    nowNs);
            wheel.add(added);
            present.add(added);
            List<Rule> all = new ArrayList<>(present);
            all.get(random.nextInt(all.size())).counters().add(1, 60, nowNs);
            if (random.nextInt(8) == 0) {
                Rule removed = all.get(random.nextInt(all.size()));
                wheel.remove(removed);
                present.remove(removed);
            }
            Set<Rule> due = new HashSet<>();
            wheel.timedOut(nowNs, () -> {}, due::add);
            long now = nowNs;
            Set<Rule> expected = new HashSet<>(present);
            expected.removeIf(rule -> !rule.hardTimeoutReached(now) && !rule.idleTimeoutReached(now));
            assertThat(due).as("step %d", step).isEqualTo(expected);
            due.forEach(wheel::remove);
            present.removeAll(due);
            ended += due.size();
            assertThat(wheel.size()).isEqualTo(present.size());
        }
        assertThat(ended).isGreaterThan(1_000);
    }
}
