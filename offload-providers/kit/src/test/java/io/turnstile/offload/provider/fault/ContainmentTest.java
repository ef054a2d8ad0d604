package io.turnstile.offload.provider.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionListener.RemovalReason;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.ProviderStatus;
import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.provider.dummy.RecordedEvent;
import io.turnstile.time.ManualClock;
import java.lang.reflect.Proxy;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever one provider throws, the one beside it sees a whole life. */
class ContainmentTest {
    private static final long CONNECTION = 1L << 32 | 5;

    private final OffloadDispatcher dispatcher = OffloadDispatcher.drainedByCaller(
            knowingEveryConnection(), new ManualClock(0, 1), PortDirectory.named(port -> "p" + port));
    private final DummyProvider dummy = new DummyProvider();

    private static Conntrack knowingEveryConnection() {
        return (Conntrack) Proxy.newProxyInstance(
                Conntrack.class.getClassLoader(),
                new Class<?>[] {Conntrack.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "read" -> {
                        ConnectionSnapshot into = (ConnectionSnapshot) arguments[1];
                        into.connectionId = (long) arguments[0];
                        into.originalInPort = 1;
                        into.replySeen = true;
                        into.replyInPort = 2;
                        into.established = true;
                        yield true;
                    }
                    case "hold" -> true;
                    case "awaitEstablished" -> false;
                    case "scan" -> -1L;
                    default -> null;
                });
    }

    private void live() {
        dispatcher.onCommitted(CONNECTION, 1, 0);
        dispatcher.onEstablished(CONNECTION, 0);
        dispatcher.drain();
        dispatcher.onDeadline(CONNECTION, 0);
        dispatcher.drain();
        dispatcher.onRemoved(CONNECTION, RemovalReason.EXPIRED, 0);
        dispatcher.drain();
    }

    private void assertThatDummySawAWholeLife() {
        assertThat(dummy.events())
                .extracting(RecordedEvent::toString)
                .containsExactly(
                        "init",
                        "query -> accept",
                        "add in=1",
                        "established in=2",
                        "update -> unknown",
                        "del expired",
                        "close");
    }

    /** All but those that do not come in this life. */
    @ParameterizedTest
    @EnumSource(
            value = Callback.class,
            names = {"CHANGED", "PATH_PUT", "PATH_DEL", "PATH_STATS", "PORT", "SETTINGS"},
            mode = EnumSource.Mode.EXCLUDE)
    void aThrowFromAnywhereLeavesTheOtherProviderAlone(Callback callback) {
        dispatcher.enable(List.of(new ThrowingProvider("throwing", EnumSet.of(callback)), dummy));
        live();
        String shown = dispatcher.show();
        assertThat(dispatcher.disable()).isTrue();
        assertThatDummySawAWholeLife();
        boolean onlyOnLeaving = callback == Callback.CLOSE || callback == Callback.FLUSH;
        assertThat(onlyOnLeaving ? dispatcher.show() : shown).contains("told to throw from " + callback);
    }

    @Test
    void aProviderThatDoesNotComeUpIsNeverCalled() {
        InitFailingProvider broken = new InitFailingProvider("broken", "no such device");
        dispatcher.enable(List.of(broken, dummy));
        live();
        assertThat(dispatcher.providers().getFirst())
                .isEqualTo(new ProviderStatus("broken", 100, "init failed: no such device"));
        dispatcher.disable();
        assertThatDummySawAWholeLife();
        assertThat(broken.wasMisused()).isFalse();
    }
}
