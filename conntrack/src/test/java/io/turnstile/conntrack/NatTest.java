package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.echoRequest;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code ct(nat(…))} as packets meet it: what leaves, what comes back, what the dump says. */
class NatTest {
    private static final long NAT = 0x0a00_00f0L; // 10.0.0.240
    private static final CtRequest SNAT = CtRequest.commit(0).with(source(NAT, NAT, 0, 0));
    private static final CtRequest BACK = CtRequest.lookup(0).with(NatRequest.ANY);

    private final TrackerFixture ct = new TrackerFixture();

    private static NatRequest source(long first, long last, int minPort, int maxPort) {
        return new NatRequest(
                NatRequest.Kind.SOURCE, false, 0, first, 0, last, minPort, maxPort, false, NatRequest.Choice.DEFAULT);
    }

    private static NatRequest destination(long first, int minPort, int maxPort) {
        return new NatRequest(
                NatRequest.Kind.DESTINATION,
                false,
                0,
                first,
                0,
                first,
                minPort,
                maxPort,
                false,
                NatRequest.Choice.DEFAULT);
    }

    private void expect(Packet packet, String state, Frame frame) {
        assertThat(TrackerFixture.state(packet)).isEqualTo(state);
        assertThat(packet.toBytes()).isEqualTo(frame.bytes());
    }

    @Test
    void sourceIsTranslatedThereAndBack() {
        expect(
                ct.send(udp("10.0.0.1:1000 > 192.0.2.1:53").packet(), SNAT),
                "new|snat",
                udp("10.0.0.240:1000 > 192.0.2.1:53"));
        expect(
                ct.send(udp("192.0.2.1:53 > 10.0.0.240:1000").packet(), BACK),
                "est|rpl|dnat",
                udp("192.0.2.1:53 > 10.0.0.1:1000"));
        expect(
                ct.send(udp("10.0.0.1:1000 > 192.0.2.1:53").packet(), BACK),
                "est|snat",
                udp("10.0.0.240:1000 > 192.0.2.1:53"));
        assertThat(ct.dump(false, false))
                .containsExactly("udp,orig=(src=10.0.0.1,dst=192.0.2.1,sport=1000,dport=53),"
                        + "reply=(src=192.0.2.1,dst=10.0.0.240,sport=53,dport=1000)");
    }

    @Test
    void destinationIsTranslatedThereAndBack() {
        CtRequest dnat = CtRequest.commit(0).with(destination(0x0a00_0002L, 8080, 8080));
        expect(
                ct.send(tcp("10.0.0.1:1000 > 192.0.2.1:80").syn().packet(), dnat),
                "new|dnat",
                tcp("10.0.0.1:1000 > 10.0.0.2:8080").syn());
        expect(
                ct.send(
                        tcp("10.0.0.2:8080 > 10.0.0.1:1000")
                                .synAck()
                                .ackNumber(1)
                                .packet(),
                        BACK),
                "est|rpl|snat",
                tcp("192.0.2.1:80 > 10.0.0.1:1000").synAck().ackNumber(1));
    }

    @Test
    void withoutNatPacketsOfTranslatedConnectionsStayAsTheyAre() {
        ct.send(udp("10.0.0.1:1000 > 192.0.2.1:53").packet(), SNAT);
        expect(
                ct.send(udp("192.0.2.1:53 > 10.0.0.240:1000").packet(), CtRequest.lookup(0)),
                "est|rpl",
                udp("192.0.2.1:53 > 10.0.0.240:1000"));
    }

    @Test
    void takenPortGivesWayToTheNext() {
        ct.send(udp("10.0.0.1:2000 > 192.0.2.1:53").packet(), SNAT);
        expect(
                ct.send(udp("10.0.0.2:2000 > 192.0.2.1:53").packet(), SNAT),
                "new|snat",
                udp("10.0.0.240:2001 > 192.0.2.1:53"));
        expect(
                ct.send(udp("192.0.2.1:53 > 10.0.0.240:2001").packet(), BACK),
                "est|rpl|dnat",
                udp("192.0.2.1:53 > 10.0.0.2:2000"));
    }

    @Test
    void identifierOfPingIsItsPort() {
        ct.send(echoRequest("10.0.0.1 > 192.0.2.1", 7).packet(), SNAT);
        Packet second = ct.send(echoRequest("10.0.0.2 > 192.0.2.1", 7).packet(), SNAT);
        assertThat(TrackerFixture.state(second)).isEqualTo("new|snat");
        assertThat(second.u16(second.l4Offset() + 4)).isNotEqualTo(7);
    }

    /** {@code nat(dst=IP:PORT)} and {@code nat(src=IP:PORT)}: the identifier is no port, and no ping is dropped. */
    @ParameterizedTest
    @CsvSource({
        "10.0.0.%d, 192.0.2.1,    SOURCE,      10.0.0.240",
        "10.0.0.%d, 192.0.2.1,    DESTINATION, 10.0.0.240",
        "fd00::%d,  2001:db8::1,  SOURCE,      fd00::f0",
        "fd00::%d,  2001:db8::1,  DESTINATION, fd00::f0"
    })
    void pingsThroughOnePortAreTranslatedAndAnswered(
            String client, String server, NatRequest.Kind kind, String translated) {
        boolean ipv6 = server.contains(":");
        boolean source = kind == NatRequest.Kind.SOURCE;
        long high = ipv6 ? 0xfd00L << 48 : 0;
        long low = ipv6 ? 0xf0 : NAT;
        CtRequest request = CtRequest.commit(0)
                .with(new NatRequest(kind, ipv6, high, low, high, low, 8080, 8080, false, NatRequest.Choice.DEFAULT));
        for (int host = 1; host <= 3; host++) {
            for (int id = 7; id <= 9; id++) {
                String from = client.formatted(host);
                Packet there = ct.send(echoRequest(from + " > " + server, id).packet(), request);
                assertThat(TrackerFixture.state(there)).isEqualTo(source ? "new|snat" : "new|dnat");
                String ends = source ? translated + " > " + server : from + " > " + translated;
                int sent = there.u16(there.l4Offset() + 4);
                assertThat(there.toBytes()).isEqualTo(echoRequest(ends, sent).bytes());
                assertThat(source && host > 1 || sent == id)
                        .as("an identifier that nobody has stays: %d", sent)
                        .isTrue();
                expect(
                        ct.send(echoRequest(ends, sent).reply().packet(), BACK),
                        source ? "est|rpl|dnat" : "est|rpl|snat",
                        echoRequest(from + " > " + server, id).reply());
            }
        }
        assertThat(ct.tracker.natExhaustions()).isZero();
    }

    @Test
    void persistentClientsHaveOneAddressEachAndNotTheSame() {
        CtRequest request = CtRequest.commit(0)
                .with(new NatRequest(
                        NatRequest.Kind.SOURCE,
                        false,
                        0,
                        0x0a00_0101L,
                        0,
                        0x0a00_0108L,
                        0,
                        0,
                        true,
                        NatRequest.Choice.DEFAULT));
        Map<Integer, Set<Integer>> clientsOf = new HashMap<>();
        for (int host = 1; host <= 64; host++) {
            for (int port = 1; port <= 4; port++) {
                String there = "10.0.0." + host + ":" + port + " > 192.0.2." + port + ":53";
                Frame frame = port % 2 == 0 ? udp(there) : tcp(there).syn();
                Packet packet = ct.send(frame.packet(), request);
                clientsOf
                        .computeIfAbsent(packet.u32(packet.l3Offset() + 12), address -> new HashSet<>())
                        .add(host);
            }
        }
        assertThat(clientsOf).hasSize(8);
        assertThat(clientsOf.values().stream().mapToInt(Set::size).sum())
                .as("each client has one address")
                .isEqualTo(64);
    }

    @Test
    void exhaustedRangeTakesThePacketOutOfTheBatch() {
        CtRequest narrow = CtRequest.commit(0).with(source(NAT, NAT, 5000, 5001));
        ct.send(udp("10.0.0.1:1 > 192.0.2.1:53").packet(), narrow);
        ct.send(udp("10.0.0.2:1 > 192.0.2.1:53").packet(), narrow);
        PacketBatch batch = new PacketBatch();
        Packet known = udp("10.0.0.1:1 > 192.0.2.1:53").packet();
        batch.add(udp("10.0.0.3:1 > 192.0.2.1:53").packet());
        batch.add(known);
        assertThat(ct.tracker.track(batch, narrow, 0)).isEqualTo(1);
        assertThat(batch.length()).isEqualTo(1);
        assertThat(batch.get(0)).isSameAs(known);
        assertThat(ct.tracker.natExhaustions()).isEqualTo(1);
        assertThat(ct.tracker.connectionCount()).isEqualTo(2);
    }

    @Test
    void aSecondCtOfTheWalkDoesNotTranslateAgain() {
        Packet packet = ct.send(udp("10.0.0.1:1000 > 192.0.2.1:53").packet(), SNAT);
        expect(ct.send(packet, BACK), "new|snat", udp("10.0.0.240:1000 > 192.0.2.1:53"));
        packet.setCtConnection(Conntrack.NO_CONNECTION);
        expect(ct.send(packet, BACK), "new|snat", udp("10.0.0.240:1000 > 192.0.2.1:53"));
        assertThat(ct.tracker.connectionCount()).isEqualTo(1);
    }

    @Test
    void removalFreesBothTuples() {
        ct.send(udp("10.0.0.1:1000 > 192.0.2.1:53").packet(), SNAT);
        ct.tracker.flush(null, 0);
        assertThat(ct.tracker.connectionCount()).isZero();
        expect(
                ct.send(udp("10.0.0.2:1000 > 192.0.2.1:53").packet(), SNAT),
                "new|snat",
                udp("10.0.0.240:1000 > 192.0.2.1:53"));
        assertThat(ct.look(udp("192.0.2.1:53 > 10.0.0.240:1000"))).isEqualTo("est|rpl");
    }
}
