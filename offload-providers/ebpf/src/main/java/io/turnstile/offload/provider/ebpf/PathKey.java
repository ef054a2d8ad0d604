package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

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

    private static final ValueLayout.OfInt NATIVE_U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort WIRE_U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

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
        ValueLayout.OfLong wireU64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
        ValueLayout.OfInt wireU32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
        if (ipv6) {
            into.set(wireU64, offset, high);
            into.set(wireU64, offset + Long.BYTES, low);
        } else {
            into.set(wireU32, offset, (int) low);
        }
    }

    static void writePorts(TupleView tuple, MemorySegment into, int offset) {
        into.set(WIRE_U16, offset, (short) tuple.sourcePort());
        into.set(WIRE_U16, offset + Short.BYTES, (short) tuple.destinationPort());
    }
}
