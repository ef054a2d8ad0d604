package io.turnstile.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Refusals are told once, then once a minute while they go on. */
class ConntrackFullLogTest {
    private static final long SECOND_NS = 1_000_000_000L;

    private final Logger logger = (Logger) LoggerFactory.getLogger(ConntrackFullLog.class);
    private final ListAppender<ILoggingEvent> told = new ListAppender<>();
    private final ManualClock clock = new ManualClock(0, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 2);
    private final ConntrackFullLog log = new ConntrackFullLog(tracker);
    private int connections;

    @BeforeEach
    void listen() {
        told.start();
        logger.addAppender(told);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(told);
    }

    private void commit(int zone, int count) {
        for (int i = 0; i < count; i++) {
            PacketBatch batch = new PacketBatch();
            batch.add(Frames.udp("10.0.0.1:" + ++connections + " > 10.0.0.2:9").packet());
            tracker.track(batch, CtRequest.commit(zone), clock.nowNs());
        }
    }

    private String look(long atSeconds) {
        told.list.clear();
        log.look(atSeconds * SECOND_NS);
        assertThat(told.list).allSatisfy(event -> assertThat(event.getLevel()).isEqualTo(Level.WARN));
        return String.join(
                "\n", told.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
    }

    @Test
    void aTableWithRoomIsNothingToTell() {
        commit(0, 2);
        assertThat(look(1)).isEmpty();
    }

    @Test
    void aFullTableIsToldOnceAMinuteAsLongAsItRefuses() {
        commit(0, 5);
        assertThat(look(100)).contains("connection table is full", "3 so far").hasLineCount(1);
        commit(0, 2);
        assertThat(look(101)).isEmpty();
        assertThat(look(159)).isEmpty();
        assertThat(look(160)).contains("5 so far").hasLineCount(1);
        assertThat(look(300)).as("none since").isEmpty();
        commit(0, 1);
        assertThat(look(301)).contains("6 so far").hasLineCount(1);
    }

    @Test
    void aFullZoneHasALineOfItsOwn() {
        tracker.zoneLimits().set(3, 1);
        commit(3, 3);
        assertThat(look(1))
                .contains("zone", "2 so far")
                .doesNotContain("table is full")
                .hasLineCount(1);
    }
}
