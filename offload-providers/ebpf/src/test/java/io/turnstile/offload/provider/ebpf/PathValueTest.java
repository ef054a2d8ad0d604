package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which paths are taken, and why others are not. */
class PathValueTest {
    private static final TupleView UDP4 = Frames.ipv4(17, "10.0.0.1", 1234, "10.0.0.2", 53);
    private static final TupleView UDP6 = Frames.ipv6(17, 1, 1234, 2, 53);

    private static PortRef port(String kind, int ifindex, int mtu) {
        return new PortRef(1, 1, "p1", "br0", 1, kind, ifindex, 0, mtu);
    }

    private static Path path(TupleView tuple, PortRef ingress, PortRef egress) {
        return new Path(1, 1, Direction.REPLY, ingress, tuple, List.of(), egress, tuple, List.of());
    }

    private static String obstacle(TupleView tuple, List<HeaderBits> guard, List<HeaderBits> rewrites) {
        PortRef port = port("system", 5, 1500);
        return PathValue.obstacle(new Path(1, 1, Direction.ORIGINAL, port, tuple, guard, port, tuple, rewrites));
    }

    @Test
    void portsHaveToBeDevicesThatTheSwitchReads() {
        PortRef good = port("system", 5, 1500);
        assertThat(PathValue.obstacle(path(UDP4, good, good))).isNull();
        assertThat(PathValue.obstacle(path(UDP4, port("internal", 5, 1500), good)))
                .isEqualTo("ingress port is of type internal");
        assertThat(PathValue.obstacle(path(UDP4, good, port("geneve", 5, 1500))))
                .isEqualTo("egress port is of type geneve");
        assertThat(PathValue.obstacle(path(UDP4, good, PortRef.GONE))).isEqualTo("egress port is of type unknown");
        assertThat(PathValue.obstacle(path(UDP4, port("system", 0, 1500), good)))
                .isEqualTo("ingress port has no device");
        assertThat(PathValue.obstacle(path(UDP4, good, port("system", 5, 0))))
                .isEqualTo("the MTU of the egress port is not known");
    }

    @Test
    void otherProtocolsAreNotCarried() {
        PortRef good = port("system", 5, 1500);
        TupleView icmp = new TupleView(false, 1, 0, 1, 0, 2, 0, 0, 5, 8, 0);
        assertThat(PathValue.obstacle(path(icmp, good, good))).isEqualTo("neither TCP nor UDP");
        assertThat(PathValue.obstacle(new Path(1, 1, Direction.ORIGINAL, good, UDP4, List.of(), good, UDP6, List.of())))
                .isEqualTo("leaves as another protocol than it came");
    }

    @Test
    void aGuardThatNothingPassesIsRefused() {
        assertThat(obstacle(UDP4, List.of(HeaderBits.exactly(HeaderField.PKT_MARK, 0)), List.of()))
                .isNull();
        assertThat(obstacle(UDP4, List.of(HeaderBits.exactly(HeaderField.PKT_MARK, 1)), List.of()))
                .isEqualTo("no packet comes with pkt_mark other than 0");
        assertThat(obstacle(UDP4, List.of(new HeaderBits(HeaderField.IPV6_LABEL, 1, 1)), List.of()))
                .isEqualTo("no packet comes with ipv6_label other than 0");
        assertThat(obstacle(UDP6, List.of(new HeaderBits(HeaderField.IPV6_LABEL, 1, 1)), List.of()))
                .isNull();
    }

    @Test
    void partsOfAnAddressCannotBeWritten() {
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.ETH_DST, 0, 1))))
                .isEqualTo("cannot write eth_dst in part");
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.NW_TTL, 0, 1))))
                .isEqualTo("cannot write nw_ttl in part");
        assertThat(obstacle(UDP4, List.of(), List.of(HeaderBits.exactly(HeaderField.IPV6_LABEL, 0))))
                .isEqualTo("cannot write ipv6_label");
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.NW_TOS, 4, 4))))
                .isNull();
    }

    /** Whatever the field: it is carried, or there is a reason. */
    @Test
    void eachFieldHasAnAnswer() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(PathValue.SIZE_BYTES, 8);
            PortRef port = port("system", 5, 1500);
            for (HeaderField field : HeaderField.values()) {
                List<HeaderBits> bits = List.of(HeaderBits.exactly(field, 0));
                Path path = new Path(1, 1, Direction.ORIGINAL, port, UDP6, bits, port, UDP6, bits);
                assertThat(PathValue.obstacle(path)).isNull();
                PathValue.write(path, 0, value);
            }
        }
    }
}
