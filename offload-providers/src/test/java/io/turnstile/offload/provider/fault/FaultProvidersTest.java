package io.turnstile.offload.provider.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.offload.provider.fault.ThrowingProvider.Callback;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class FaultProvidersTest {

    @Test
    void onlyTheChosenCallbacksThrow() {
        ThrowingProvider provider = new ThrowingProvider("throwing", EnumSet.of(Callback.ADD));
        assertThat(provider.operate(List.of(new OffloadOperation.Query(null), new OffloadOperation.Add(null),
                new OffloadOperation.Update(null)))).satisfiesExactly(
                    query -> assertThat(query).isEqualTo(OffloadResult.ACCEPT),
                    add -> assertThat(add).isInstanceOf(OffloadResult.Failed.class),
                    update -> assertThat(update).isEqualTo(new OffloadResult.LastUsed(0)));
        provider.throwFrom(EnumSet.of(Callback.OPERATE, Callback.CLOSE));
        assertThatThrownBy(() -> provider.operate(List.of())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(provider::close).isInstanceOf(IllegalStateException.class);
        assertThat(provider.describe()).isEmpty();
    }

    @Test
    void theFailingOneTellsWhetherItWasCalledInSpite() {
        InitFailingProvider provider = new InitFailingProvider("broken", "no such device");
        assertThatThrownBy(() -> provider.init(null)).isInstanceOf(IOException.class).hasMessage("no such device");
        assertThat(provider.wasMisused()).isFalse();
        assertThatThrownBy(provider::close).isInstanceOf(AssertionError.class);
        assertThat(provider.wasMisused()).isTrue();
    }
}
