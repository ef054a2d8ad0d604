package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the tracker remembers of connections that left or were not made. */
class AuditTrailTest {
    private static final CtRequest SNAT = CtRequest.commit(0)
            .with(new NatRequest(
                    NatRequest.Kind.SOURCE,
                    false,
                    0,
                    0x0a090909,
                    0,
                    0x0a090909,
                    7,
                    7,
                    false,
                    NatRequest.Choice.DEFAULT));

    private final TrackerFixture ct = new TrackerFixture(Long.MAX_VALUE - 90_000_000_000L, 100);

    /** Newest first, as {@code cause actor count connection}. */
    private List<String> trail() {
        List<String> lines = new ArrayList<>();
        AuditTrail.Reading reading = ct.tracker.audit().newestFirst();
        for (AuditRecord record = reading.next(); record != null; record = reading.next()) {
            lines.add(record.cause.label() + " " + record.actor + " " + record.count + " "
                    + ConntrackDump.line(record.connection, false, false));
        }
        return lines;
    }

    private static String udpLine(int port) {
        return "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=" + port + ",dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,"
                + "sport=53,dport=" + port + ")";
    }

    @Test
    void aRemovalHasItsCauseItsActorAndWhatTheConnectionWas() {
        ct.send(udp("10.0.0.1:1 > 10.0.0.2:53").packet(), new CtRequest(3, true, false, 5, -1, 1, 2, -1, -1));
        ct.commit(udp("[fc00::1]:2 > [fc00::2]:53"));
        ct.tracker.flush(3, "appctl", ct.clock.nowNs());
        ct.advance(Duration.ofMinutes(5));
        ct.sweep();
        assertThat(trail())
                .containsExactly(
                        "expired  1 udp,orig=(src=fc00::1,dst=fc00::2,sport=2,dport=53),"
                                + "reply=(src=fc00::2,dst=fc00::1,sport=53,dport=2)",
                        "flushed appctl 1 " + udpLine(1) + ",zone=3,mark=5,labels=0x10000000000000002");
        assertThat(ct.tracker.audit().count(AuditCause.EXPIRED)).isOne();
        assertThat(ct.tracker.audit().count(AuditCause.FLUSHED)).isOne();
    }

    @Test
    void theTranslatedTupleAndTheStateAreKept() {
        ct.send(tcp("10.0.0.1:1 > 10.0.0.2:80").syn().packet(), SNAT);
        ct.tracker.flushMatching(connection -> true, "openflow br0", ct.clock.nowNs());
        assertThat(trail())
                .containsExactly("flushed openflow br0 1 tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=80),"
                        + "reply=(src=10.0.0.2,dst=10.9.9.9,sport=80,dport=7),protoinfo=(state=SYN_SENT)");
    }

    @Test
    void whatTakesAnothersPlaceIsTold() {
        ct.commit(udp("10.0.0.1:1 > 10.0.0.2:53"));
        ct.send(udp("10.0.0.2:53 > 10.0.0.1:1").packet(), new CtRequest(0, true, true, 0, 0, 0, 0, 0, 0));
        assertThat(trail()).containsExactly("forced  1 " + udpLine(1));
        ct.advance(Duration.ofSeconds(1));
        ct.commit(tcp("10.0.0.1:1 > 10.0.0.2:80").syn().seq(99));
        ct.pass(tcp("10.0.0.2:80 > 10.0.0.1:1").synAck().seq(299).ackNumber(100));
        ct.pass(tcp("10.0.0.1:1 > 10.0.0.2:80").ack().seq(100).ackNumber(300));
        ct.pass(tcp("10.0.0.1:1 > 10.0.0.2:80").rst().seq(100));
        ct.commit(tcp("10.0.0.1:1 > 10.0.0.2:80").syn().seq(99_999));
        assertThat(trail().getFirst()).startsWith("reopened  1 tcp,").endsWith("protoinfo=(state=CLOSED)");
    }

    @Test
    void oneThatACarrierDidNotKnowOfIsUnused() {
        Carrier carrier = new Carrier();
        ct.tracker.setListener(carrier);
        ct.commit(udp("10.0.0.1:1 > 10.0.0.2:53"));
        ct.tracker.hold(ct.ids().getFirst());
        ct.advance(Duration.ofMinutes(5));
        ct.sweep();
        ct.sweep();
        assertThat(trail()).containsExactly("unused  1 " + udpLine(1));
    }

    @Test
    void aFloodOfRefusalsIsOneRecordForEachPauseAndWashesNoRemovalAway() {
        ct.commit(udp("10.0.0.1:1 > 10.0.0.2:53"));
        ct.tracker.flush(null, "appctl", ct.clock.nowNs());
        ct.tracker.zoneLimits().set(0, 0);
        ct.advance(Duration.ofMillis(1));
        for (int round = 0; round < 3; round++) {
            for (int port = 1; port <= 1000; port++) {
                ct.commit(udp("10.0.0.1:" + port + " > 10.0.0.2:53"));
            }
            ct.advance(Duration.ofMillis(10));
        }
        assertThat(trail())
                .containsExactly(
                        "zone_full  1000 " + udpLine(1),
                        "zone_full  1000 " + udpLine(1),
                        "zone_full  1 " + udpLine(1),
                        "flushed appctl 1 " + udpLine(1));
        assertThat(ct.tracker.audit().count(AuditCause.ZONE_FULL)).isEqualTo(3000);
    }

    @Test
    void aFullTableAndAnExhaustedRangeAreTold() {
        ct.send(udp("10.0.0.1:1 > 10.0.0.2:53").packet(), SNAT);
        ct.send(udp("10.0.0.1:2 > 10.0.0.2:53").packet(), SNAT);
        ct.advance(Duration.ofMillis(1));
        ct.tracker.setMaxConnections(1);
        ct.commit(udp("10.0.0.1:3 > 10.0.0.2:53"));
        ct.advance(Duration.ofMillis(1));
        ct.commit(udp("[fc00::1]:2 > [fc00::2]:53"));
        assertThat(trail()).containsExactly("table_full  1 " + udpLine(3), "nat_exhausted  1 " + udpLine(2));
    }

    @Test
    void theRingKeepsTheLastAndWhoReadsMeanwhilePassesOverWhatIsOverwritten() {
        AuditTrail trail = new AuditTrail(8, 8);
        OffHeap.Region entry = OffHeap.reserve(EntryLayout.SIZE_BYTES, false);
        OffHeap.putInt(entry.address() + EntryLayout.KIND, EntryLayout.kind(0, 17, 0, false));
        for (int id = 0; id < 20; id++) {
            trail.removed(entry.address(), 0, id, AuditCause.EXPIRED, 0, id);
        }
        AuditTrail.Reading reading = trail.newestFirst();
        assertThat(reading.next().connection.connectionId).isEqualTo(19);
        for (int id = 20; id < 24; id++) {
            trail.removed(entry.address(), 0, id, AuditCause.EXPIRED, 0, id);
        }
        List<Long> rest = new ArrayList<>();
        for (AuditRecord record = reading.next(); record != null; record = reading.next()) {
            rest.add(record.connection.connectionId);
        }
        assertThat(rest).containsExactly(18L, 17L, 16L);
        assertThat(entry.sizeBytes()).isPositive();
    }

    @Test
    void atLeastAHundredThousandRemovalsAreKept() {
        AuditTrail trail = new AuditTrail();
        OffHeap.Region entry = OffHeap.reserve(EntryLayout.SIZE_BYTES, false);
        OffHeap.putInt(entry.address() + EntryLayout.KIND, EntryLayout.kind(0, 17, 0, false));
        for (int id = 0; id < 300_000; id++) {
            trail.removed(entry.address(), 0, id, AuditCause.EXPIRED, 0, id);
        }
        AuditTrail.Reading reading = trail.newestFirst();
        for (int id = 299_999; id >= 300_000 - AuditTrail.REMOVALS; id--) {
            assertThat(reading.next().connection.connectionId).isEqualTo(id);
        }
        assertThat(entry.sizeBytes()).isPositive();
    }

    @Test
    void everyCauseHasARowOfItsOwn() {
        assertThat(AuditCause.values()).extracting(AuditCause::label).doesNotHaveDuplicates();
        assertThat(AuditCause.values()).extracting(AuditCause::sentence).doesNotHaveDuplicates();
        assertThat(Arrays.stream(AuditCause.values())
                        .skip(AuditCause.TABLE_FULL.ordinal())
                        .noneMatch(AuditCause::isRemoval))
                .as("refusals come last")
                .isTrue();
        assertThat(Arrays.stream(AuditCause.values())
                        .limit(AuditCause.TABLE_FULL.ordinal())
                        .allMatch(AuditCause::isRemoval))
                .isTrue();
    }

    @Test
    void whoAsksIsOneOfFew() {
        Actors actors = new Actors();
        assertThat(actors.name(actors.number("appctl"))).isEqualTo("appctl");
        assertThat(actors.number("appctl")).isEqualTo(actors.number("appctl"));
        for (int i = 0; i < 2 * Actors.MOST; i++) {
            actors.number("openflow br" + i);
        }
        assertThat(actors.name(actors.number("openflow br2000"))).isEqualTo("others");
        assertThat(actors.name(actors.number("openflow br3"))).isEqualTo("openflow br3");
        assertThat(actors.name(Actors.NOBODY)).isEmpty();
    }
}
