package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a snapshot says of a connection beyond its tuples. */
class SnapshotTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";

    private final TrackerFixture ct = new TrackerFixture();
    private final ConnectionSnapshot seen = new ConnectionSnapshot();

    private void read() {
        assertThat(ct.tracker.read(ct.ids().getFirst(), seen, ct.clock.nowNs())).isTrue();
    }

    @Test
    void windowsAndSequenceNumbersOfBothSides() {
        ct.pass(tcp(THERE).segment("[S] seq 100 win 64000 wscale 4"));
        ct.look(tcp(BACK).segment("[S.] seq 900 ack 101 win 65000 wscale 2"));
        ct.look(tcp(THERE).segment("[P.] seq 101 ack 901 win 8000 len 50"));
        ct.look(tcp(BACK).segment("[P.] seq 901 ack 151 win 20000 len 7"));
        read();
        assertThat(seen.established).isTrue();
        assertThat(seen.originalTcpSentEnd).isEqualTo(151);
        assertThat(seen.replyTcpSentEnd).isEqualTo(908);
        assertThat(seen.originalTcpAllowedEnd).isEqualTo(151 + (20_000 << 2));
        assertThat(seen.replyTcpAllowedEnd).isEqualTo(901 + (8_000 << 4));
        assertThat(seen.originalTcpWindow).isEqualTo(8_000 << 4);
        assertThat(seen.replyTcpWindow).isEqualTo(20_000 << 2);
        assertThat(seen.timeoutNs).isEqualTo(Duration.ofDays(1).toNanos());
    }

    @Test
    void windowOfAConnectionWhoseHandshakeWasNotSeenIsAsItStandsInPackets() {
        ct.commit(tcp(THERE).segment("[.] seq 100 ack 900 win 500"));
        read();
        assertThat(seen.originalTcpWindow).isEqualTo(500);
        assertThat(seen.originalTcpFlags).isEqualTo(ConnectionSnapshot.TCP_FLAG_BE_LIBERAL);
        assertThat(seen.replyTcpFlags).isEqualTo(ConnectionSnapshot.TCP_FLAG_BE_LIBERAL);
    }

    @Test
    void closingConnectionIsNotEstablished() {
        ct.pass(tcp(THERE).segment("[S] seq 100"));
        read();
        assertThat(seen.established).isFalse();
        ct.look(tcp(BACK).segment("[S.] seq 900 ack 101"));
        read();
        assertThat(seen.established).isFalse();
        ct.look(tcp(THERE).segment("[.] seq 101 ack 901"));
        read();
        assertThat(seen.established).isTrue();
        ct.look(tcp(THERE).segment("[F.] seq 101 ack 901"));
        read();
        assertThat(seen.established).isFalse();
    }

    @Test
    void timeoutIsThatOfThePolicyAndTheState() {
        ct.tracker.setTimeoutPolicy(3, new TimeoutPolicy(Map.of(Timeout.UDP_FIRST, 7L, Timeout.UDP_MULTIPLE, 9L)));
        ct.send(udp(THERE).packet(), new CtRequest(0, true, false, 0, 0, 0, 0, 0, 0, null, Alg.NONE, 3));
        read();
        assertThat(seen.timeoutNs).isEqualTo(Duration.ofSeconds(7).toNanos());
        assertThat(seen.established).isFalse();
        ct.look(udp(BACK));
        read();
        assertThat(seen.timeoutNs).isEqualTo(Duration.ofSeconds(9).toNanos());
        assertThat(seen.established).isTrue();
        assertThat(seen.originalTcpSentEnd).as("of TCP only").isZero();
    }

    /**
     * A reader without lock may meet an entry that is being filled: it must not follow an extension that is not there.
     */
    @Test
    void whatIsHalfAnEntryLeadsNowhere() {
        for (String tuple : List.of("[fd00::1]:1234 > [fd00::2]:53", "10.0.0.1:1234 > 10.0.0.2:53")) {
            TrackerFixture half = new TrackerFixture();
            half.commit(udp(tuple));
            long id = half.ids().getFirst();
            long entry = half.tracker.table().entries.entry(ConnectionTable.slot(id));
            int extension = OffHeap.getInt(entry + EntryLayout.EXTENSION);
            OffHeap.putInt(entry + EntryLayout.EXTENSION, 0);
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) | EntryLayout.FLAG_NAT);
            assertThat(half.tracker.read(id, seen, half.clock.nowNs()))
                    .as("of %s, by a process that lives on", tuple)
                    .isTrue();
            EntryLayout.setFlags(entry, EntryLayout.flags(entry) & ~EntryLayout.FLAG_NAT);
            OffHeap.putInt(entry + EntryLayout.EXTENSION, extension);
        }
    }
}
