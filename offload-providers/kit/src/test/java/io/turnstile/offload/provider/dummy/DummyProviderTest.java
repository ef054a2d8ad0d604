package io.turnstile.offload.provider.dummy;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DummyProviderTest {
    private static final PortRef REPLY = new PortRef(2, "p2");
    private final DummyProvider dummy = new DummyProvider();

    private static ConnView connection(long id) {
        return new ConnView(
                id,
                0,
                17,
                new TupleView(false, 17, 0, 0x0a000001, 0, 0x0a000002, 1234, 53, 0, 0, 0),
                new TupleView(false, 17, 0, 0x0a000002, 0, 0x0a000001, 53, 1234, 0, 0, 0),
                0,
                0,
                0,
                new PortRef(1, "p1"),
                REPLY);
    }

    @Test
    void serviceLoaderFindsIt() {
        assertThat(ProviderRegistry.discover(getClass().getClassLoader(), null).names())
                .containsExactly("dummy");
    }

    @Test
    void everyCallbackIsWrittenDownInOrder() {
        ConnView one = connection(1);
        List<OffloadResult> results = dummy.operate(List.of(
                new OffloadOperation.Query(one),
                new OffloadOperation.Add(one),
                new OffloadOperation.Established(one, REPLY),
                new OffloadOperation.Changed(one, EnumSet.of(ConnChange.TCP, ConnChange.MARK)),
                new OffloadOperation.Update(one),
                new OffloadOperation.Delete(one, DelReason.EXPIRED)));
        assertThat(results)
                .containsExactly(
                        Verdict.accept(),
                        Verdict.accept(),
                        new OffloadResult.Covered(true),
                        OffloadResult.DONE,
                        new OffloadResult.LastUsed(0),
                        OffloadResult.DONE);
        assertThat(dummy.events(1))
                .extracting(RecordedEvent::toString)
                .containsExactly(
                        "query -> accept",
                        "add in=1",
                        "established in=2",
                        "changed mark,tcp",
                        "update -> unknown",
                        "del expired");
        assertThat(dummy.events()).extracting(RecordedEvent::sequence).containsExactly(0L, 1L, 2L, 3L, 4L, 5L);
        assertThat(dummy.held()).isEmpty();
    }

    @Test
    void answersAreWhatWasProgrammed() {
        dummy.answerCanOffload(c -> c.id() == 1 ? Verdict.decline("odd one") : Verdict.accept());
        dummy.answerEstablished(c -> false);
        dummy.answerLastUsed(c -> 42);
        assertThat(dummy.canOffload(connection(1))).isEqualTo(Verdict.decline("odd one"));
        dummy.connAdd(connection(2));
        assertThat(dummy.connEstablished(connection(2), REPLY)).isFalse();
        assertThat(dummy.connUpdate(connection(2))).isEqualTo(42);
        assertThat(dummy.held()).containsExactly(connection(2));
        assertThat(dummy.events())
                .extracting(RecordedEvent::toString)
                .containsExactly("query -> decline: odd one", "add in=1", "established in=2 -> again", "update -> 42");
    }

    @Test
    void itMaySayLaterWhenAskedAndWhenAdding() {
        dummy.answerCanOffload(c -> c.id() == 1 ? Verdict.later("busy") : Verdict.accept());
        dummy.answerAdd(c -> Verdict.later("full"));
        assertThat(dummy.canOffload(connection(1))).isEqualTo(Verdict.later("busy"));
        assertThat(dummy.connAdd(connection(2))).isEqualTo(Verdict.later("full"));
        assertThat(dummy.held()).isEmpty();
        assertThat(dummy.events())
                .extracting(RecordedEvent::toString)
                .containsExactly("query -> later: busy", "add in=1 -> later: full");
    }

    @Test
    void portsAndSettingsAreKeptAsTheyStandAndCounted() {
        dummy.init(new ProviderContext() {
            @Override
            public long wallMs() {
                return 0;
            }

            @Override
            public int threads() {
                return 1;
            }

            @Override
            public Map<String, String> settings() {
                return Map.of("key", "old");
            }
        });
        assertThat(dummy.settings()).containsEntry("key", "old");
        dummy.portAdded(new PortRef(1, "p1"));
        dummy.portAdded(REPLY);
        dummy.portChanged(new PortRef(1, "q1"));
        dummy.portRemoved(REPLY);
        dummy.settingsChanged(Map.of("key", "new"));
        assertThat(dummy.ports()).containsExactly(new PortRef(1, "q1"));
        assertThat(dummy.settings()).containsEntry("key", "new");
        assertThat(dummy.count(RecordedEvent.Callback.PORT_ADDED)).isEqualTo(2);
        assertThat(dummy.count(RecordedEvent.Callback.PORT_REMOVED)).isEqualTo(1);
        assertThat(dummy.events()).extracting(RecordedEvent::toString).containsExactly("init");
    }

    @Test
    void itIsOfferedConnectionsFromTheMomentThatItWasMadeFor() {
        assertThat(dummy.offeredFrom()).isEqualTo(OfferMoment.COMMITTED);
        assertThat(new DummyProvider("late", 1, 1, OfferMoment.ESTABLISHED).offeredFrom())
                .isEqualTo(OfferMoment.ESTABLISHED);
    }

    @Test
    void aFlushGoesOneByOneUnlessToldToForgetEverything() {
        dummy.connAdd(connection(1));
        dummy.connAdd(connection(2));
        assertThat(dummy.operateOne(new OffloadOperation.Flush(DelReason.PROVIDER_LEAVING)))
                .isEqualTo(OffloadResult.ONE_BY_ONE);
        assertThat(dummy.held()).hasSize(2);
        dummy.flushAtOnce(true);
        assertThat(dummy.connFlush(DelReason.PROVIDER_FAILED)).isTrue();
        assertThat(dummy.held()).isEmpty();
        assertThat(dummy.events())
                .extracting(RecordedEvent::toString)
                .containsExactly("add in=1", "add in=1", "flush provider failed");
        assertThat(dummy.count(RecordedEvent.Callback.FLUSH)).isEqualTo(1);
    }

    @Test
    void onlyTheLastEventsAreKeptButAllAreCounted() {
        DummyProvider small = new DummyProvider("small", 1, 3);
        DummyProvider none = new DummyProvider("none-kept", 1, 0);
        for (int id = 1; id <= 10; id++) {
            small.connAdd(connection(id));
            none.connAdd(connection(id));
        }
        assertThat(small.events()).extracting(RecordedEvent::sequence).containsExactly(7L, 8L, 9L);
        assertThat(small.count(RecordedEvent.Callback.ADD)).isEqualTo(10);
        assertThat(none.events()).isEmpty();
        assertThat(none.count(RecordedEvent.Callback.ADD)).isEqualTo(10);
        assertThat(small.describe()).first().isEqualTo("recorded: 10 callbacks, the last 3 kept");
    }

    @Test
    void whatBreaksTheLifeCycleIsAFailure() {
        dummy.connAdd(connection(1));
        assertThat(dummy.operateOne(new OffloadOperation.Add(connection(1)))).isInstanceOf(OffloadResult.Failed.class);
        assertThat(dummy.operateOne(new OffloadOperation.Update(connection(2))))
                .isInstanceOf(OffloadResult.Failed.class);
        assertThat(dummy.operateOne(new OffloadOperation.Delete(connection(2), DelReason.FLUSHED)))
                .isInstanceOf(OffloadResult.Failed.class);
    }
}
