package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * NXAST_NAT: pad 16, flags 16, which parts of the range follow 16, then those parts: first and last address, first and
 * last port. Zero stands for "not given", so that an all-zero first address is none.
 */
final class NatCodec {
    private static final int SOURCE = 1;
    private static final int DESTINATION = 1 << 1;
    private static final int PERSISTENT = 1 << 2;
    private static final int HASH = 1 << 3;
    private static final int RANDOM = 1 << 4;
    private static final int FLAGS = SOURCE | DESTINATION | PERSISTENT | HASH | RANDOM;

    private static final int IPV4_FIRST = 1;
    private static final int IPV4_LAST = 1 << 1;
    private static final int IPV6_FIRST = 1 << 2;
    private static final int IPV6_LAST = 1 << 3;
    private static final int PORT_FIRST = 1 << 4;
    private static final int PORT_LAST = 1 << 5;

    private NatCodec() {}

    /** {@code in} stands after the subtype. */
    static NatRequest read(ByteBuf in) throws OfException {
        need(in, 6);
        in.skipBytes(2); // Open vSwitch does not look at them either.
        int flags = in.readUnsignedShort();
        int present = in.readUnsignedShort();
        if ((flags & ~FLAGS) != 0 || both(flags, SOURCE | DESTINATION) || both(flags, HASH | RANDOM)) {
            throw bad("flags 0x" + Integer.toHexString(flags));
        }
        boolean ipv4 = (present & (IPV4_FIRST | IPV4_LAST)) != 0;
        boolean ipv6 = (present & (IPV6_FIRST | IPV6_LAST)) != 0;
        if (ipv4 && ipv6
                || lastAlone(present, IPV4_FIRST, IPV4_LAST)
                || lastAlone(present, IPV6_FIRST, IPV6_LAST)
                || lastAlone(present, PORT_FIRST, PORT_LAST)
                || (present & PORT_FIRST) != 0 && !ipv4 && !ipv6) {
            throw bad("range of parts 0x" + Integer.toHexString(present));
        }
        long[] first = ipv4 || ipv6 ? address(in, ipv6) : new long[2];
        long[] last = (present & (IPV4_LAST | IPV6_LAST)) != 0 ? address(in, ipv6) : first;
        if ((ipv4 || ipv6) && (first[0] | first[1]) == 0 || less(last, first)) {
            throw bad("range of addresses");
        }
        int minPort = (present & PORT_FIRST) != 0 ? port(in) : 0;
        int maxPort = (present & PORT_LAST) != 0 ? port(in) : minPort;
        if ((present & PORT_FIRST) != 0 && minPort == 0 || maxPort < minPort) {
            throw bad("range of ports");
        }
        Kind kind = (flags & SOURCE) != 0 ? Kind.SOURCE : (flags & DESTINATION) != 0 ? Kind.DESTINATION : Kind.EXISTING;
        Choice choice = (flags & HASH) != 0 ? Choice.HASH : (flags & RANDOM) != 0 ? Choice.RANDOM : Choice.DEFAULT;
        return new NatRequest(
                kind, ipv6, first[0], first[1], last[0], last[1], minPort, maxPort, (flags & PERSISTENT) != 0, choice);
    }

    private static boolean both(int flags, int pair) {
        return (flags & pair) == pair;
    }

    private static boolean lastAlone(int present, int first, int last) {
        return (present & (first | last)) == last;
    }

    private static boolean less(long[] one, long[] other) {
        int high = Long.compareUnsigned(one[0], other[0]);
        return high < 0 || high == 0 && Long.compareUnsigned(one[1], other[1]) < 0;
    }

    private static long[] address(ByteBuf in, boolean ipv6) throws OfException {
        needPart(in, ipv6 ? 16 : 4);
        return ipv6 ? new long[] {in.readLong(), in.readLong()} : new long[] {0, in.readUnsignedInt()};
    }

    private static int port(ByteBuf in) throws OfException {
        needPart(in, 2);
        return in.readUnsignedShort();
    }

    private static void need(ByteBuf in, int bytes) throws OfException {
        Wire.need(in, bytes, OfErrorCode.OFPBAC_BAD_LEN);
    }

    private static void needPart(ByteBuf in, int bytes) throws OfException {
        Wire.need(in, bytes, OfErrorCode.OFPBAC_BAD_ARGUMENT);
    }

    private static OfException bad(String what) {
        return new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "nat: " + what);
    }

    /** What stands after the subtype, but for the padding at the end. */
    static void write(ByteBuf out, NatRequest nat) {
        boolean addresses = nat.hasAddresses();
        boolean addressRange = addresses && (nat.maxHigh() != nat.minHigh() || nat.maxLow() != nat.minLow());
        boolean ports = addresses && nat.hasPorts();
        boolean portRange = ports && nat.maxPort() != nat.minPort();
        out.writeZero(2).writeShort(flags(nat));
        out.writeShort((addresses ? nat.ipv6() ? IPV6_FIRST : IPV4_FIRST : 0)
                | (addressRange ? nat.ipv6() ? IPV6_LAST : IPV4_LAST : 0)
                | (ports ? PORT_FIRST : 0)
                | (portRange ? PORT_LAST : 0));
        if (addresses) {
            writeAddress(out, nat.ipv6(), nat.minHigh(), nat.minLow());
        }
        if (addressRange) {
            writeAddress(out, nat.ipv6(), nat.maxHigh(), nat.maxLow());
        }
        if (ports) {
            out.writeShort(nat.minPort());
        }
        if (portRange) {
            out.writeShort(nat.maxPort());
        }
    }

    private static int flags(NatRequest nat) {
        int kind = switch (nat.kind()) {
            case EXISTING -> 0;
            case SOURCE -> SOURCE;
            case DESTINATION -> DESTINATION;
        };
        int choice = switch (nat.choice()) {
            case DEFAULT -> 0;
            case HASH -> HASH;
            case RANDOM -> RANDOM;
        };
        return kind | choice | (nat.persistent() ? PERSISTENT : 0);
    }

    private static void writeAddress(ByteBuf out, boolean ipv6, long high, long low) {
        if (ipv6) {
            out.writeLong(high).writeLong(low);
        } else {
            out.writeInt((int) low);
        }
    }
}
