package io.turnstile.offload;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The events' stories with real packets through the real tracker. */
class OffloadOverTrackerTest {
    private static final long EPOCH_MS = 1_700_000_000_000L;
    private static final int LIMIT = 100;

    private final ManualClock clock =
            new ManualClock(Long.MAX_VALUE - Duration.ofSeconds(3).toNanos(), EPOCH_MS);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, LIMIT);
    private final OffloadDispatcher dispatcher =
            OffloadDispatcher.drainedByCaller(tracker, clock, PortDirectory.named(port -> "p" + port));
    private final ScriptedProvider alpha = new ScriptedProvider("alpha");
    private final ScriptedProvider beta = new ScriptedProvider("beta");

    @AfterEach
    void historiesWereLegal() {
        dispatcher.disable();
        assertThat(alpha.faults()).isEmpty();
        assertThat(beta.faults()).isEmpty();
    }

    private void enable(ScriptedProvider... providers) {
        dispatcher.enable(List.of(providers));
        dispatcher.drain();
        alpha.heard();
        beta.heard();
    }

    private Packet send(int inPort, Frame frame, CtRequest request) {
        Packet packet = frame.packet();
        packet.setInPort(inPort);
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        tracker.track(batch, request, clock.nowNs());
        return packet;
    }

    private void commit(int number) {
        send(1, udp("10.0.0.1:" + number + " > 10.0.0.2:53"), CtRequest.commit(0));
    }

    private Packet reply(int number) {
        return send(2, udp("10.0.0.2:53 > 10.0.0.1:" + number), CtRequest.lookup(0));
    }

    private List<String> heard(ScriptedProvider provider) {
        dispatcher.drain();
        return provider.heard();
    }

    private void pass(int seconds) {
        for (int i = 0; i < seconds; i++) {
            clock.advance(Duration.ofSeconds(1));
            tracker.sweep(clock.nowNs());
            dispatcher.drain();
        }
    }

    @Test
    void aLifeIsAddEstablishedUpdateDel() {
        enable(alpha);
        commit(7);
        assertThat(heard(alpha)).containsExactly("query 7", "add 7 in=1");
        reply(7);
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        pass(31);
        assertThat(heard(alpha)).containsExactly("update 7", "del 7 expired");
        assertThat(tracker.connectionCount()).isZero();
    }

    @Test
    void tcpLifeEndsByReset() {
        enable(alpha);
        send(1, tcp("10.0.0.1:7 > 10.0.0.2:80").syn().seq(100), CtRequest.commit(0));
        send(2, tcp("10.0.0.2:80 > 10.0.0.1:7").synAck().seq(900).ackNumber(101), CtRequest.lookup(0));
        assertThat(heard(alpha)).containsExactly("query 7", "add 7 in=1"); // only answered
        send(1, tcp("10.0.0.1:7 > 10.0.0.2:80").ack().seq(101).ackNumber(901), CtRequest.lookup(0));
        assertThat(heard(alpha)).containsExactly("established 7 in=1 reply=2");
        send(1, tcp("10.0.0.1:7 > 10.0.0.2:80").flags(0x14).seq(101).ackNumber(901), CtRequest.lookup(0));
        assertThat(heard(alpha)).containsExactly("changed 7 [tcp] mark=0");
        pass(31);
        assertThat(heard(alpha)).containsExactly("update 7", "del 7 expired");
    }

    @Test
    void ofTcpThatIsClosedBeforeItHasLastedNobodyWhoWantsLastingOnesHears() {
        alpha.offeredFrom = OfferMoment.LASTING;
        enable(alpha);
        establishTcp(7);
        establishTcp(8);
        pass(1); // one round, whatever time has passed
        assertThat(heard(alpha)).isEmpty();
        send(1, tcp("10.0.0.1:7 > 10.0.0.2:80").fin().seq(101).ackNumber(901), CtRequest.lookup(0));
        pass(1);
        assertThat(heard(alpha)).containsExactly("query 8", "add 8 in=1", "established 8 in=1 reply=2");
        List<String> states = new ArrayList<>();
        tracker.scan(0, LIMIT, data -> states.add(dispatcher.why(data.connectionId)), clock.nowNs());
        assertThat(states)
                .containsExactlyInAnyOrder("alpha was not told of it yet\n", "held by alpha, both directions\n");
        pass(200);
        assertThat(heard(alpha)).isEmpty();
    }

    private void establishTcp(int number) {
        send(1, tcp("10.0.0.1:" + number + " > 10.0.0.2:80").syn().seq(100), CtRequest.commit(0));
        send(2, tcp("10.0.0.2:80 > 10.0.0.1:" + number).synAck().seq(900).ackNumber(101), CtRequest.lookup(0));
        send(1, tcp("10.0.0.1:" + number + " > 10.0.0.2:80").ack().seq(101).ackNumber(901), CtRequest.lookup(0));
    }

    @Test
    void aRefusedSynIsNeverEstablished() {
        enable(alpha);
        send(1, tcp("10.0.0.1:7 > 10.0.0.2:80").syn().seq(100), CtRequest.commit(0));
        send(2, tcp("10.0.0.2:80 > 10.0.0.1:7").flags(0x14).seq(0).ackNumber(101), CtRequest.lookup(0));
        assertThat(heard(alpha)).containsExactly("query 7", "add 7 in=1");
        pass(31);
        assertThat(heard(alpha)).containsExactly("update 7", "del 7 expired");
    }

    @Test
    void providerThatSawThePacketsKeepsTheConnectionAlive() {
        enable(alpha);
        alpha.lastUsed = connection -> clock.wallMs();
        commit(7);
        reply(7);
        pass(200);
        assertThat(tracker.connectionCount()).isOne();
        assertThat(reply(7).ctState() & CtState.EST).isNotZero();
        alpha.lastUsed = connection -> 0;
        pass(62);
        assertThat(tracker.connectionCount()).isZero();
        assertThat(heard(alpha)).endsWith("del 7 expired");
    }

    @Test
    void whoIsGivenAConnectionAfterItsDeadlineIsAskedToo() {
        enable(alpha);
        beta.lastUsed = connection -> clock.wallMs();
        commit(7);
        dispatcher.drain();
        for (int i = 0; i < 61; i++) {
            clock.advance(Duration.ofSeconds(1));
            tracker.sweep(clock.nowNs()); // in the end alpha is asked
        }
        dispatcher.enable(List.of(alpha, beta));
        dispatcher.drain();
        pass(3);
        assertThat(tracker.connectionCount()).isOne();
    }

    @Test
    void flushIsDelToEveryProvider() {
        enable(alpha, beta);
        commit(7);
        commit(8);
        dispatcher.drain();
        tracker.flush(null, clock.nowNs());
        assertThat(heard(alpha)).filteredOn(event -> event.startsWith("del")).hasSize(2);
        assertThat(heard(beta)).filteredOn(event -> event.startsWith("del")).hasSize(2);
    }

    @Test
    void enablingReplaysWhatIsThereAndDisablingTakesItBack() {
        commit(7);
        reply(7);
        commit(8);
        dispatcher.enable(List.of(alpha));
        dispatcher.drain();
        reply(7);
        assertThat(heard(alpha)).contains("add 7 in=1", "add 8 in=1", "established 7 in=1 reply=2");
        dispatcher.disable();
        assertThat(alpha.heard()).filteredOn(event -> event.startsWith("del")).hasSize(2);
        assertThat(reply(8).ctState() & CtState.EST).as("software goes on").isNotZero();
    }

    @Test
    void noSlotIsLostOverManyLives() {
        enable(alpha);
        for (int life = 0; life < 50; life++) {
            for (int number = 1; number <= LIMIT; number++) {
                commit(number);
            }
            if (life % 3 == 0) {
                dispatcher.drain();
            }
            assertThat(tracker.connectionCount()).isEqualTo(LIMIT);
            tracker.flush(null, clock.nowNs());
            dispatcher.drain();
        }
        assertThat(tracker.refusals()).isZero();
    }
}
