package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.LaneMetrics.Distribution;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is counted in memory about a provider, and how well its percentiles are known. */
class CountingLaneMetricsTest {
    private final LaneMetrics.Factory factory = CountingLaneMetrics.factory();
    private final LaneMetrics metrics = factory.create("alpha", null);

    @Test
    void nothingRecordedIsZero() {
        assertThat(metrics.callTimesNs()).isEqualTo(new Distribution(0, 0, 0));
        assertThat(metrics.callCount()).isZero();
    }

    @Test
    void shortBatchesAreKnownExactly() {
        for (int length = 1; length <= 100; length++) {
            metrics.called(length == 100 ? 64 : 1 + length % 3, 0);
        }
        assertThat(metrics.batchLengths()).isEqualTo(new Distribution(2, 3, 64));
    }

    @Test
    void percentilesAreAtMostAnEighthTooHigh() {
        Random random = new Random(3);
        long[] values = new long[10_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextLong() >>> 1 + random.nextInt(62);
            metrics.waited(values[i]);
        }
        Arrays.sort(values);
        Distribution seen = metrics.waitTimesNs();
        assertThat(seen.p50()).isBetween((double) values[4_999], values[4_999] * 1.125);
        assertThat(seen.p99()).isBetween((double) values[9_899], values[9_899] * 1.125);
        assertThat(seen.max()).isEqualTo(values[9_999]);
    }

    @Test
    void theLargestValuesFit() {
        metrics.waited(Long.MAX_VALUE);
        metrics.waited(-1);
        assertThat(metrics.waitTimesNs()).isEqualTo(new Distribution(0, Long.MAX_VALUE, Long.MAX_VALUE));
    }

    @Test
    void aProviderThatComesBackGoesOnCounting() {
        metrics.operation(OffloadEvent.Kind.ADD, OperationOutcome.OK);
        metrics.givenUp();
        LaneMetrics again = factory.create("alpha", null);
        again.operation(OffloadEvent.Kind.ADD, OperationOutcome.OK);
        assertThat(again.count(OffloadEvent.Kind.ADD, OperationOutcome.OK)).isEqualTo(2);
        assertThat(again.givenUpCount()).isEqualTo(1);
        assertThat(factory.create("beta", null).givenUpCount()).isZero();
    }
}
