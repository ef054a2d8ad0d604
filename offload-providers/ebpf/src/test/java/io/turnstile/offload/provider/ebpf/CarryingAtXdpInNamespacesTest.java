package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.DatagramSocket;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same with ports that say {@code offload-attach=xdp}, and what is otherwise with them. Frames can be redirected to
 * a veth device by XDP while its other end joins segments or has a program, which Lab's hosts are told here.
 */
@Tag("system")
class CarryingAtXdpInNamespacesTest extends CarryingInNamespacesTest {
    private static final TupleView TUPLE = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);

    @Override
    void prepare() {
        middle.portOptions = Map.of("attach", "xdp");
        lab.receiveOffload(true);
        lab.hosts.forEach(host -> Lab.in(host, "ethtool -K eth0 gro on"));
    }

    @Override
    List<HeaderBits> guardBesides() {
        return List.of(new HeaderBits(HeaderField.VLAN_TCI, 0, 0x1000));
    }

    @BeforeEach
    void completeChecksums() {
        lab.transmitOffload(false);
    }

    @AfterEach
    void nothingIsLeft() {
        inMiddle(() -> {
            provider.portRemoved(middle.ports.get(0));
            provider.portRemoved(middle.ports.get(1));
            return null;
        });
        for (String device : lab.devices) {
            assertThat(Lab.said(lab.middle, "ip -d link show " + device)).doesNotContain("xdp");
        }
    }

    private void exchange(int datagrams) throws Exception {
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000)) {
            for (int i = 0; i < datagrams; i++) {
                send(client, new byte[5], "10.0.0.2", 2000);
                assertThat(receive(server)).hasSize(5);
            }
        }
    }

    private String carriedByXdp() {
        return provider.describe().stream()
                .filter(line -> line.startsWith("carried by XDP"))
                .findFirst()
                .orElse("nothing");
    }

    @Test
    void framesAreCarriedBeforeTheyArePackets() throws Exception {
        Path path = put(path(0, TUPLE, TUPLE));
        exchange(100);
        assertThat(carriedByXdp()).isEqualTo("carried by XDP: 100 frames; can be sent to by it: 1 p2(2) yes");
        assertThat(provider.describe()).contains("ports: 2 p1(1):xdp p2(2):xdp");
        assertThat(total(path, delete(path))).containsExactly(100, 100 * (14 + 20 + 8 + 5));
        assertThat(middle.received.get(0).get()).isZero();
    }

    /** Otherwise than behind: sockets are told of packets. */
    @Override
    @Test
    void anotherSocketOnTheDeviceSeesEverythingAndDisturbsNothing() throws Exception {
        Path path = put(path(0, TUPLE, TUPLE));
        int foreign = foreignSocket();
        exchange(10);
        delete(path);
        middle.rule(TUPLE, TUPLE);
        exchange(1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(2000);
            assertThat(Libc.receive(foreign, room, 0)).isEqualTo(14 + 20 + 8 + 5);
            final int dontWait = 0x40;
            assertThat(Libc.receive(foreign, room, dontWait)).isNegative();
        }
        Libc.close(foreign);
    }

    @Test
    void whatOthersAreToCompleteIsCarriedBehind() throws Exception {
        lab.transmitOffload(true);
        Path path = put(path(0, TUPLE, TUPLE));
        exchange(100);
        assertThat(carriedByXdp()).startsWith("carried by XDP: 0 frames");
        assertThat(total(path, delete(path))[0]).isEqualTo(100);
        assertThat(middle.received.get(0).get()).isZero();
    }

    @Test
    void whatCannotBeSentByXdpIsCarriedBehind() throws Exception {
        Lab.in(lab.hosts.get(1), "ethtool -K eth0 gro off");
        Path path = put(path(0, TUPLE, TUPLE));
        exchange(20);
        assertThat(carriedByXdp()).isEqualTo("carried by XDP: 0 frames; can be sent to by it: 1 p2(2) no");
        assertThat(total(path, delete(path))[0]).isEqualTo(20);
        assertThat(middle.received.get(0).get()).isZero();
    }

    @Test
    void pathsAreLostWhenXdpCanNoLongerSendAndCarriedBehind() throws Exception {
        Path path = put(path(0, TUPLE, TUPLE));
        exchange(10);
        Lab.in(lab.hosts.get(1), "ethtool -K eth0 gro off");
        inMiddle(() -> {
            provider.sweepNow();
            return null;
        });
        assertThat(middle.lost)
                .containsEntry(path.id(), "XDP can send to a port that it could not, or the other way round");
        Path again = put(path(0, TUPLE, TUPLE));
        exchange(10);
        assertThat(carriedByXdp()).startsWith("carried by XDP: 10 frames");
        assertThat(total(again, delete(again))[0]).isEqualTo(10);
        delete(path);
    }

    @Test
    void aDeviceWithoutNativeXdpIsRefusedWithTheReason() {
        PortRef loopback = new PortRef(1, 1, "lo", "br0", 1, "system", 1, 0, 65536);
        ConnView connection = connection(TUPLE, mirror(TUPLE));
        Path path = new Path(
                77,
                7,
                io.turnstile.offload.spi.Direction.ORIGINAL,
                loopback,
                TUPLE,
                guardBesides(),
                middle.ports.get(1),
                TUPLE,
                List.of());
        assertThat(inMiddle(() -> provider.pathPut(connection, path)))
                .isInstanceOfSatisfying(
                        Verdict.Decline.class,
                        decline -> assertThat(decline.reason()).startsWith("offload-attach=xdp: lo has no native XDP"));
    }

    /** Paths come and go with how the port is attached: each datagram arrives once, by XDP, by tcx or forwarded. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whileTheOptionChangesEachDatagramArrivesOnce(boolean transmitOffload) throws Exception {
        lab.transmitOffload(transmitOffload);
        middle.rule(TUPLE, TUPLE);
        ConnView connection = connection(TUPLE, mirror(TUPLE));
        boolean[] isAtXdp = {true};
        long[] carried = new long[1];
        Delivery delivery = deliverWhile(30_000, 5, 100, () -> {
            Path path = path(0, TUPLE, TUPLE);
            assertThat(provider.pathPut(connection, path)).isEqualTo(Verdict.accept());
            Thread.sleep(5);
            isAtXdp[0] = !isAtXdp[0];
            middle.portOptions = isAtXdp[0] ? Map.of("attach", "xdp") : Map.of();
            provider.sweepNow();
            assertThat(middle.lost).containsEntry(path.id(), "port is attached otherwise");
            carried[0] += total(path, provider.pathDel(connection, path, PathEnd.LOST))[0];
            return null;
        });
        long forwarded = middle.forwarded.get(0).get();
        System.out.printf(
                "tx %b: %d datagrams, %d carried, %d forwarded, %d changes; %s%n",
                transmitOffload, delivery.sent(), carried[0], forwarded, delivery.turns(), carriedByXdp());
        assertThat(delivery.arrived()).isEqualTo(delivery.sent());
        assertThat(delivery.doubled()).isZero();
        assertThat(carried[0] + forwarded).isEqualTo(delivery.sent());
        assertThat(delivery.turns()).isGreaterThan(5);
    }
}
