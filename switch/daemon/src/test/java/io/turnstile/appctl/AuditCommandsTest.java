package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.control.CommandReply;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@code conntrack/audit} answers, line by line. */
class AuditCommandsTest {
    private final ManualClock clock =
            new ManualClock(77, Instant.parse("2026-01-01T10:00:00Z").toEpochMilli());
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 1000);
    private final AuditCommands commands = new AuditCommands(tracker.audit(), clock);

    private void commit(int zone, int port) {
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:53").packet());
        tracker.track(batch, CtRequest.commit(zone), clock.nowNs());
    }

    private void ping(String ends, int id) {
        PacketBatch batch = new PacketBatch();
        batch.add(Frames.echoRequest(ends, id).packet());
        tracker.track(batch, CtRequest.commit(0), clock.nowNs());
    }

    private CommandReply audit(String... words) {
        return commands.commands()
                .getFirst()
                .handler()
                .apply(List.of(words))
                .join()
                .whole();
    }

    @BeforeEach
    void happen() {
        commit(0, 1);
        commit(3, 2);
        tracker.flush(3, "openflow br\"0", clock.nowNs());
        clock.advance(Duration.ofMillis(1500));
        tracker.zoneLimits().set(3, 0);
        commit(3, 9);
        clock.advance(Duration.ofMinutes(2));
        tracker.sweep(clock.nowNs());
    }

    @Test
    void theNewestComesFirst() {
        assertThat(audit().text()).isEqualTo("""
            2026-01-01T10:02:01.500Z expired: udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=1)
            2026-01-01T10:00:01.500Z zone_full: udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=9,dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=9),zone=3
            2026-01-01T10:00:00.000Z flushed by openflow br"0: udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=2,dport=53),reply=(src=10.0.0.2,dst=10.0.0.1,sport=53,dport=2),zone=3
            """);
    }

    @Test
    void linesMayBeJson() {
        assertThat(audit("-f", "json", "zone=3").text()).isEqualTo("""
            {"time":"2026-01-01T10:00:01.500Z","event":"refused","cause":"zone_full","count":1,"proto":"udp","orig":{"src":"10.0.0.1","dst":"10.0.0.2","sport":9,"dport":53},"reply":{"src":"10.0.0.2","dst":"10.0.0.1","sport":53,"dport":9},"zone":3,"mark":0}
            {"time":"2026-01-01T10:00:00.000Z","event":"removed","cause":"flushed","actor":"openflow br\\"0","count":1,"proto":"udp","orig":{"src":"10.0.0.1","dst":"10.0.0.2","sport":2,"dport":53},"reply":{"src":"10.0.0.2","dst":"10.0.0.1","sport":53,"dport":2},"zone":3,"mark":0}
            """);
    }

    @Test
    void filtersAndCausesSelect() {
        assertThat(audit("limit=1").text().lines()).singleElement().asString().contains(" expired: ");
        assertThat(audit("cause=flushed,zone_full").text().lines()).hasSize(2);
        assertThat(audit("cause=flushed", "ct_nw_dst=10.0.0.0/24,ct_nw_proto=17,ct_tp_src=2")
                        .text()
                        .lines())
                .hasSize(1);
        assertThat(audit("ct_nw_dst=10.0.1.0/24").text()).isEmpty();
        assertThat(audit("cause=boredom").text()).isEqualTo("ovs-vswitchd: failed to parse cause (Invalid argument)");
        assertThat(audit("foo").text()).isEqualTo("ovs-vswitchd: field foo missing value (Invalid argument)");
    }

    @Test
    void pingsAreSelectedByWhatIsSaidOfThem() {
        ping("10.0.0.1 > 10.0.0.2", 7);
        ping("10.0.0.1 > 10.0.0.2", 8);
        ping("fc00::1 > fc00::2", 7);
        tracker.flush(0, clock.nowNs());
        String flushed = "cause=flushed";
        assertThat(audit(flushed, "ct_nw_proto=1").text().lines()).hasSize(2);
        assertThat(audit(flushed, "ct_nw_proto=1,icmp_id=7").text()).contains(",id=7,");
        assertThat(audit(flushed, "ct_nw_proto=1,icmp_type=8,icmp_code=0")
                        .text()
                        .lines())
                .hasSize(2);
        assertThat(audit(flushed, "ct_nw_proto=1,icmp_type=0").text()).isEmpty();
        assertThat(audit(flushed, "", "ct_nw_proto=1,icmp_id=8,icmp_type=0")
                        .text()
                        .lines())
                .hasSize(1);
        assertThat(audit(flushed, "ct_nw_proto=58,icmp_id=7,icmp_type=128")
                        .text()
                        .lines())
                .hasSize(1);
    }
}
