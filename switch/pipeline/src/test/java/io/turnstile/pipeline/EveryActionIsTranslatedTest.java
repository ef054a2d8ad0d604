package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.ActionSamples;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each kind of action has its step in the translator. */
class EveryActionIsTranslatedTest {
    private static final byte[] FRAME =
            Frames.tcp("10.0.0.1:1000 > 10.0.0.2:53").ack().bytes();

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void samplesAreTranslated(ActionKind kind) {
        for (String text : ActionSamples.of(kind)) {
            PipelineBench bench = new PipelineBench(7);
            bench.groups("group_id=1,type=indirect,bucket=output:7").meter(1, 1000);
            bench.flows("tcp,actions=" + (kind == ActionKind.NAT ? "ct(commit," + text + ")" : text));
            assertThat(bench.freshActions(PipelineBench.keyOf(1, FRAME)))
                    .as(text)
                    .isNotEmpty();
        }
    }
}
