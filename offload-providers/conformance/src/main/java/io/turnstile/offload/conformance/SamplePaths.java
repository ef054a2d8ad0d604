package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.TupleView;
import java.util.List;

/** Paths of {@link SampleConnections}, of each kind that the switch makes. */
final class SamplePaths {
    private static final long CLIENT_MAC = 0x0200_0000_0101L;
    private static final long ROUTER_MAC = 0x0200_0000_0202L;
    private static final long SERVER_MAC = 0x0200_0000_0303L;

    /** What a path is like beside its tuples. */
    enum Kind {
        /** Packets leave as they came. */
        BARE,
        /** MACs are looked at, and nothing is written. */
        SWITCHED,
        /** MACs are written and the TTL is counted down. */
        ROUTED,
        VLAN_PUSHED,
        VLAN_POPPED,
        /** Some bits of the TOS are looked at, others written; the packet is marked. */
        MARKED
    }

    private SamplePaths() {}

    /** A path of the connection; with NAT it is translated. {@code id} is nobody else's. */
    static Path of(ConnView connection, Direction direction, Kind kind, long id) {
        boolean isOriginal = direction == Direction.ORIGINAL;
        TupleView arriving = isOriginal ? connection.original() : connection.reply();
        TupleView other = isOriginal ? connection.reply() : connection.original();
        return new Path(
                id,
                connection.id(),
                direction,
                SampleConnections.PORTS.get(isOriginal ? 0 : 1),
                arriving,
                guard(kind),
                SampleConnections.PORTS.get(isOriginal ? 1 : 0),
                turned(other, arriving),
                rewrites(kind));
    }

    private static List<HeaderBits> guard(Kind kind) {
        return switch (kind) {
            case BARE -> List.of();
            case SWITCHED ->
                List.of(
                        HeaderBits.exactly(HeaderField.ETH_DST, SERVER_MAC),
                        HeaderBits.exactly(HeaderField.ETH_SRC, CLIENT_MAC));
            case ROUTED ->
                List.of(
                        HeaderBits.exactly(HeaderField.ETH_DST, ROUTER_MAC),
                        HeaderBits.exactly(HeaderField.NW_TTL, 64));
            case VLAN_PUSHED -> List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0));
            case VLAN_POPPED -> List.of(new HeaderBits(HeaderField.VLAN_TCI, 0x1064, 0x1fff));
            case MARKED -> List.of(new HeaderBits(HeaderField.NW_TOS, 0, 0x3));
        };
    }

    private static List<HeaderBits> rewrites(Kind kind) {
        return switch (kind) {
            case BARE, SWITCHED -> List.of();
            case ROUTED ->
                List.of(
                        HeaderBits.exactly(HeaderField.ETH_DST, SERVER_MAC),
                        HeaderBits.exactly(HeaderField.ETH_SRC, ROUTER_MAC),
                        HeaderBits.exactly(HeaderField.NW_TTL, 63));
            case VLAN_PUSHED -> List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0x1064));
            case VLAN_POPPED -> List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0));
            case MARKED ->
                List.of(new HeaderBits(HeaderField.NW_TOS, 0xb8, 0xfc), HeaderBits.exactly(HeaderField.PKT_MARK, 0x2a));
        };
    }

    /** What the receiver answers to, turned round; what ICMP asks stays what it is. */
    private static TupleView turned(TupleView t, TupleView arriving) {
        return new TupleView(
                t.ipv6(),
                t.protocol(),
                /* sourceHigh= */ t.destinationHigh(),
                /* sourceLow= */ t.destinationLow(),
                /* destinationHigh= */ t.sourceHigh(),
                /* destinationLow= */ t.sourceLow(),
                /* sourcePort= */ t.destinationPort(),
                /* destinationPort= */ t.sourcePort(),
                t.icmpId(),
                arriving.icmpType(),
                arriving.icmpCode());
    }
}
