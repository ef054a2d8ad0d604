package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.SelectStrategy;
import org.junit.jupiter.api.Test;

class BriskSelectTest {
    private static final long STEP_NS = 1_000;

    private long nowNs;
    private long comesNs = Long.MAX_VALUE;
    private int looks;
    private final BriskSelect select = new BriskSelect(() -> nowNs);

    private int look() throws Exception {
        looks = 0;
        return select.calculateStrategy(
                () -> {
                    looks++;
                    nowNs += STEP_NS;
                    return nowNs >= comesNs ? 1 : 0;
                },
                false);
    }

    /** The loop's thread goes to sleep and is woken after so long. */
    private void sleep(long lengthNs) throws Exception {
        comesNs = Long.MAX_VALUE;
        assertThat(look()).isEqualTo(SelectStrategy.SELECT);
        nowNs += lengthNs;
    }

    @Test
    void whereRequestsComeNowAndThenItSleepsAtOnce() throws Exception {
        sleep(BriskSelect.SHORT_SLEEP_NS + STEP_NS);
        assertThat(look()).isEqualTo(SelectStrategy.SELECT);
        assertThat(looks).isOne();
    }

    @Test
    void afterAShortSleepItLooksForTheNextRequestAndFindsIt() throws Exception {
        sleep(BriskSelect.LOOKING_NS / 2);
        comesNs = nowNs + BriskSelect.LOOKING_NS / 2;
        assertThat(look()).isOne();
        assertThat(looks).isGreaterThan(1);
        comesNs = nowNs + BriskSelect.LOOKING_NS / 2;
        assertThat(look()).as("and for the one behind it, without having slept").isOne();
    }

    @Test
    void itLooksNoLongerThanItMay() throws Exception {
        sleep(BriskSelect.LOOKING_NS / 2);
        long beganNs = nowNs;
        assertThat(look()).isEqualTo(SelectStrategy.SELECT);
        assertThat(nowNs - beganNs).isLessThanOrEqualTo(BriskSelect.LOOKING_NS + 2 * STEP_NS);
        nowNs += BriskSelect.SHORT_SLEEP_NS;
        assertThat(look()).isEqualTo(SelectStrategy.SELECT);
        assertThat(looks).as("in vain once, it does not go on").isOne();
    }

    @Test
    void whoeverHasTasksIsNotHeldUp() throws Exception {
        sleep(BriskSelect.LOOKING_NS / 2);
        assertThat(select.calculateStrategy(() -> 0, true)).isZero();
    }
}
