package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AsyncMasksTest {
    /** OpenFlow 1.4 §7.1.3: a master gets everything but packets whose TTL ran out, a slave the state of ports only. */
    @Test
    void controllersGetWhatTheyNeverAskedFor() {
        AsyncMasks masks = AsyncMasks.standard();
        assertThat(masks.packetIn).containsExactly(0b111011, 0);
        assertThat(masks.portStatus).containsExactly(0b111, 0b111);
        assertThat(masks.flowRemoved).containsExactly(0b11111, 0);
    }
}
