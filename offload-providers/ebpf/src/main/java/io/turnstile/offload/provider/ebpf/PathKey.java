package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.security.SecureRandom;

/**
 * By what a frame finds its path: the device that it comes in by and its tuple. In the kernel everything but the device
 * stands as on the wire.
 */
record PathKey(int ifindex, TupleView tuple) {
    static final int IFINDEX = 0;
    static final int PROTOCOL = 4;
    /** 4 or 6. */
    static final int VERSION = 5;
    /** 16 bytes; of IPv4 the first 4, the others are 0. */
    static final int SOURCE = 8;

    static final int DESTINATION = 24;
    static final int PORTS = 40;
    static final int SIZE_BYTES = 44;

    /** Who chooses addresses and ports is not to choose where they collide. */
    private static final long SEED = new SecureRandom().nextLong();

    private static final ValueLayout.OfInt NATIVE_U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort WIRE_U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt WIRE_U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong WIRE_U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static PathKey of(Path path) {
        return new PathKey(path.ingress().ifindex(), path.arriving());
    }

    /** Over what {@link #write} writes. */
    long hash() {
        long kind = (long) ifindex << 32 | (long) tuple.protocol() << 1 | (tuple.ipv6() ? 1 : 0);
        long hash = mixed(SEED, kind);
        if (tuple.ipv6()) {
            hash = mixed(mixed(hash, tuple.sourceHigh()), tuple.destinationHigh());
        }
        hash = mixed(mixed(hash, tuple.sourceLow()), tuple.destinationLow());
        return mixed(hash, (long) tuple.sourcePort() << 32 | tuple.destinationPort());
    }

    /** A step of a mixing that spreads every bit over all of them (Stafford's variant 13 of MurmurHash3's end). */
    static long mixed(long first, long second) {
        long x = first * 0x9e37_79b9_7f4a_7c15L + second;
        x = (x ^ x >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        x = (x ^ x >>> 27) * 0x94d0_49bb_1331_11ebL;
        return x ^ x >>> 31;
    }

    void write(MemorySegment key) {
        key.fill((byte) 0);
        key.set(NATIVE_U32, IFINDEX, ifindex);
        key.set(ValueLayout.JAVA_BYTE, PROTOCOL, (byte) tuple.protocol());
        key.set(ValueLayout.JAVA_BYTE, VERSION, (byte) (tuple.ipv6() ? 6 : 4));
        writeAddresses(tuple, key, SOURCE, DESTINATION);
        writePorts(tuple, key, PORTS);
    }

    static void writeAddresses(TupleView tuple, MemorySegment into, int source, int destination) {
        writeAddress(tuple.ipv6(), tuple.sourceHigh(), tuple.sourceLow(), into, source);
        writeAddress(tuple.ipv6(), tuple.destinationHigh(), tuple.destinationLow(), into, destination);
    }

    private static void writeAddress(boolean ipv6, long high, long low, MemorySegment into, int offset) {
        if (ipv6) {
            into.set(WIRE_U64, offset, high);
            into.set(WIRE_U64, offset + Long.BYTES, low);
        } else {
            into.set(WIRE_U32, offset, (int) low);
        }
    }

    static void writePorts(TupleView tuple, MemorySegment into, int offset) {
        into.set(WIRE_U16, offset, (short) tuple.sourcePort());
        into.set(WIRE_U16, offset + Short.BYTES, (short) tuple.destinationPort());
    }
}
