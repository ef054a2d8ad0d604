package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** For each zone and tuple a provider sees the delete of one connection before the add of the next. */
class TupleOrderTest {
    private final ManualClock clock = new ManualClock(0, 1_700_000_000_000L);
    private final FakeTracker tracker = new FakeTracker(500);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");

    private void enable() {
        dispatcher.enable(List.of(alpha));
        dispatcher.drain();
        alpha.heard();
    }

    @Test
    void theNextOfATupleWaitsForTheDeleteOfTheFormer() {
        enable();
        for (int i = 0; i < 4; i++) { // whichever of the two is reported first
            tracker.commit(7, 1, clock.nowNs());
            dispatcher.drain();
            assertThat(alpha.faults()).isEmpty();
            assertThat(alpha.held()).isEqualTo(tracker.live()).hasSize(1);
        }
        assertThat(alpha.heard())
                .containsSubsequence("add 7 in=1", "del 7 replaced", "add 7 in=1", "del 7 replaced", "add 7 in=1");
    }

    @Test
    void manyAtOnceInOneBatchToo() {
        enable();
        for (int round = 0; round < 20; round++) {
            for (int number = 0; number < 200; number++) {
                tracker.commit(number, 1, clock.nowNs());
            }
            dispatcher.drain();
        }
        assertThat(alpha.faults()).isEmpty();
        assertThat(alpha.held()).isEqualTo(tracker.live()).hasSize(200);
    }

    @Test
    void itWaitsForADeleteThatIsDeferred() {
        List<CompletableFuture<OffloadResult>> deletes = new ArrayList<>();
        BulkProvider slow = new BulkProvider(
                "slow",
                operations -> operations.stream()
                        .<OffloadResult>map(operation -> {
                            if (operation instanceof OffloadOperation.Delete) {
                                deletes.add(new CompletableFuture<>());
                                return new OffloadResult.Deferred(deletes.getLast());
                            }
                            return BulkProvider.agreeing(operation);
                        })
                        .toList());
        dispatcher.enable(List.of(slow));
        tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        long next = tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        assertThat(slow.kinds()).endsWith(OffloadEvent.Kind.DELETE);
        assertThat(dispatcher.offloadStates(next)).hasToString("[slow:none]");
        deletes.getFirst().complete(OffloadResult.DONE);
        dispatcher.drain();
        assertThat(dispatcher.offloadStates(next)).hasToString("[slow:added]");
    }

    @Test
    void oneThatEndsWhileItWaitsIsNeverAnnounced() {
        enable();
        tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        alpha.heard();
        tracker.commit(7, 1, clock.nowNs());
        tracker.commit(7, 1, clock.nowNs());
        dispatcher.drain();
        assertThat(alpha.heard()).hasSize(3).startsWith("del 7 replaced");
        assertThat(tracker.heldSlots()).isZero();
    }

    // ---- what counts as the same tuple ----

    private long key(Consumer<ConnectionSnapshot> set, boolean translated) {
        ConnectionSnapshot data = new ConnectionSnapshot();
        data.protocol = 6;
        set.accept(data);
        ConnViewReader reader = new ConnViewReader(new FakeTracker(1), PortDirectory.named(port -> "p"));
        reader.show(data);
        return translated ? reader.translatedKey() : reader.originalKey();
    }

    private static void tuple(ConnectionSnapshot.Tuple t, long source, int sourcePort, long destination, int port) {
        t.sourceLow = source;
        t.sourcePort = sourcePort;
        t.destinationLow = destination;
        t.destinationPort = port;
    }

    private static Consumer<ConnectionSnapshot> plain(long source, int sourcePort, long destination, int port) {
        return data -> {
            tuple(data.original, source, sourcePort, destination, port);
            tuple(data.reply, destination, port, source, sourcePort);
        };
    }

    private static Consumer<ConnectionSnapshot> ping(int protocol, int type, long source, long destination, int id) {
        return data -> {
            data.protocol = protocol;
            tuple(data.original, source, 0, destination, 0);
            tuple(data.reply, destination, 0, source, 0);
            data.original.icmpId = id;
            data.reply.icmpId = id;
            data.original.icmpType = type;
        };
    }

    @Test
    void aTupleTurnedRoundIsTheSame() {
        assertThat(key(plain(1, 1000, 2, 80), false)).isEqualTo(key(plain(2, 80, 1, 1000), false));
        assertThat(key(plain(1, 1000, 2, 80), true)).isZero();
        assertThat(key(plain(1, 80, 2, 1000), false)).isNotEqualTo(key(plain(1, 1000, 2, 80), false));
    }

    @Test
    void zoneAndProtocolTellTuplesApart() {
        long one = key(plain(1, 1000, 2, 80), false);
        assertThat(key(plain(1, 1000, 2, 80).andThen(data -> data.zone = 1), false))
                .isNotEqualTo(one);
        assertThat(key(plain(1, 1000, 2, 80).andThen(data -> data.protocol = 17), false))
                .isNotEqualTo(one);
        assertThat(key(plain(1, 1000, 2, 80).andThen(data -> data.ipv6 = true), false))
                .isNotEqualTo(one);
    }

    @Test
    void aTranslatedConnectionHasTheTupleThatItsRepliesBear() {
        Consumer<ConnectionSnapshot> translated = data -> {
            tuple(data.original, 1, 1000, 2, 80);
            tuple(data.reply, 2, 80, 9, 5000);
        };
        assertThat(key(translated, false)).isEqualTo(key(plain(1, 1000, 2, 80), false));
        assertThat(key(translated, true)).isEqualTo(key(plain(9, 5000, 2, 80), false));
    }

    @Test
    void twoThatPingEachOtherUnderOneIdentifierHaveTwoConnections() {
        assertThat(key(ping(1, 8, 1, 2, 5), false)).isNotEqualTo(key(ping(1, 8, 2, 1, 5), false));
        assertThat(key(ping(1, 8, 1, 2, 5), false)).isNotEqualTo(key(ping(1, 8, 1, 2, 6), false));
        assertThat(key(ping(1, 8, 1, 2, 5), false)).isNotEqualTo(key(ping(1, 13, 1, 2, 5), false));
        assertThat(key(ping(1, 8, 1, 2, 5), true)).isZero();
    }
}
