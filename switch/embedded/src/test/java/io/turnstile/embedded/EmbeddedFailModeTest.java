package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.pipeline.BridgePipeline.FailMode;
import org.junit.jupiter.api.Test;

class EmbeddedFailModeTest {
    @Test
    void secureSwitchBeginsWithoutFlows() {
        try (EmbeddedSwitch secure =
                EmbeddedSwitch.builder().failMode(FailMode.SECURE).ports(1, 2).start()) {
            assertThat(secure.dumpFlows()).isEmpty();
            secure.receive(1, Frames.udp("10.0.0.1:1000 > 10.0.0.2:53").bytes());
            assertThat(secure.takeSent(2)).isEmpty();
        }
    }
}
