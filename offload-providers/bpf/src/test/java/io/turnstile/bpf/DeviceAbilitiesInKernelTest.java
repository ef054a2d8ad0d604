package io.turnstile.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("system")
class DeviceAbilitiesInKernelTest {
    private static final int LOOPBACK = 1;

    @Test
    void theLoopbackDeviceHasNoDriverForXdp() throws Exception {
        DeviceAbilities loopback = DeviceAbilities.of(LOOPBACK);
        assertThat(loopback.runsXdp()).isFalse();
        assertThat(loopback.sendsXdp()).isFalse();
        assertThat(loopback.sendsXdpFragments()).isFalse();
        assertThat(loopback.takesTagsOff()).isFalse();
    }

    @Test
    void aDeviceThatIsNotThereIsAnError() {
        assertThatThrownBy(() -> DeviceAbilities.of(Integer.MAX_VALUE))
                .isInstanceOfSatisfying(
                        BpfException.class, e -> assertThat(e.is(Errno.ENODEV)).isTrue())
                .hasMessageContaining("device " + Integer.MAX_VALUE);
    }
}
