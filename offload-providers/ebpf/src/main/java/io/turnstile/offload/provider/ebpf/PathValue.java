package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A path as the kernel has it, worked out so far that the programs compare and write whole words: the guard is a mask
 * and a value over the frame's first {@link HeaderMask#BYTES} bytes, and what NAT does to checksums is a number.
 *
 * <p>Together with its key and what the kernel adds it takes 264 bytes.
 */
final class PathValue {
    static final int COUNTER = 0;
    static final int EGRESS = 4;
    /** The longest frame that the egress device takes, Ethernet header included. */
    static final int MAX_FRAME_BYTES = 8;

    static final int FLAGS = 12;
    /** Three times 8 bytes of value and 8 of mask. */
    static final int GUARD = 16;

    static final int GUARD_WORDS = HeaderMask.BYTES / Long.BYTES;
    /** As {@link HeaderField#VLAN_TCI}; so the next three. */
    static final int GUARD_TAG_VALUE = 64;

    static final int GUARD_TAG_MASK = 66;
    static final int SET_TAG_VALUE = 68;
    static final int SET_TAG_MASK = 70;
    static final int ETH_DST = 72;
    static final int ETH_SRC = 78;
    static final int TTL = 84;
    static final int FIRST_WORD_VALUE = 88;
    static final int FIRST_WORD_MASK = 92;
    static final int ADDRESS_DIFFERENCE = 96;
    static final int PORT_DIFFERENCE = 100;
    static final int PORTS = 104;
    static final int MARK = 108;
    static final int SOURCE = 112;
    static final int DESTINATION = 128;
    static final int PRIORITY = 144;
    /** By when frames are carried although others have just been shown: 1024 ns each, the lower 32 bits. */
    static final int STARTS_LATEST = 148;
    /** 8 bytes: before this no frame is carried, on the scale of {@code System.nanoTime}; 0 once one has been. */
    static final int STARTS_NS = 152;

    static final int SIZE_BYTES = 160;
    /** To the unit of {@link #STARTS_LATEST}. */
    static final int LATEST_SHIFT = 10;

    private static final int ETHERNET_HEADER_BYTES = Frame.IP;
    private static final int ADDRESSES_BYTES = 32;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;

    private PathValue() {}

    /** Why such a path cannot be carried here, for people; null if it can. */
    static @Nullable String obstacle(Path path) {
        if (path.arriving().protocol() != Frame.TCP && path.arriving().protocol() != Frame.UDP) {
            return "neither TCP nor UDP";
        }
        if (path.arriving().ipv6() != path.leaving().ipv6()
                || path.arriving().protocol() != path.leaving().protocol()) {
            return "leaves as another protocol than it came";
        }
        String port = portObstacle("ingress", path.ingress());
        if (port == null) {
            port = portObstacle("egress", path.egress());
        }
        if (port != null) {
            return port;
        }
        if (path.egress().mtu() == 0) {
            return "the MTU of the egress port is not known";
        }
        for (HeaderBits bits : path.guard()) {
            if (isZeroWithin(bits.field(), path) && bits.value() != 0) {
                return "no packet comes with " + bits.field() + " other than 0";
            }
        }
        for (HeaderBits bits : path.rewrites()) {
            if (!canWrite(bits, path)) {
                return "cannot write " + bits.field() + (isWhole(bits) ? "" : " in part");
            }
        }
        return null;
    }

    private static @Nullable String portObstacle(String which, PortRef port) {
        if (!port.kind().equals("system")) {
            return which + " port is of type " + (port.kind().isEmpty() ? "unknown" : port.kind());
        }
        return port.ifindex() == 0 ? which + " port has no device" : null;
    }

    /** Fields that are 0 of every packet that comes in. */
    private static boolean isZeroWithin(HeaderField field, Path path) {
        return switch (field) {
            case PKT_MARK, SKB_PRIORITY -> true;
            case IPV6_LABEL -> !path.arriving().ipv6();
            case ETH_DST, ETH_SRC, VLAN_TCI, NW_TOS, NW_TTL -> false;
        };
    }

    private static boolean canWrite(HeaderBits bits, Path path) {
        return switch (bits.field()) {
            case ETH_DST, ETH_SRC, NW_TTL -> isWhole(bits);
            case IPV6_LABEL -> path.arriving().ipv6();
            // Both are 0 as it comes in, so that the bits not written are, too.
            case PKT_MARK, SKB_PRIORITY, VLAN_TCI, NW_TOS -> true;
        };
    }

    private static boolean isWhole(HeaderBits bits) {
        return bits.mask() == bits.field().fullMask();
    }

    /** Writes a path that has no {@link #obstacle}. */
    static void write(Path path, int counter, MemorySegment value) {
        value.fill((byte) 0);
        value.set(U32, COUNTER, counter);
        value.set(U32, EGRESS, path.egress().ifindex());
        value.set(U32, MAX_FRAME_BYTES, path.egress().mtu() + ETHERNET_HEADER_BYTES);
        value.set(U32, FLAGS, flags(path));
        writeGuard(path, value);
        writeTags(path, value);
        writeHeader(path, value);
        writeTranslation(path, value);
        value.set(U32, MARK, (int) valueOf(path.rewriteOf(HeaderField.PKT_MARK)));
        value.set(U32, PRIORITY, (int) valueOf(path.rewriteOf(HeaderField.SKB_PRIORITY)));
    }

    private static int flags(Path path) {
        int flags = path.arriving().ipv6() ? Flag.IPV6 : 0;
        for (HeaderBits bits : path.rewrites()) {
            flags |= switch (bits.field()) {
                case ETH_DST -> Flag.SET_ETH_DST;
                case ETH_SRC -> Flag.SET_ETH_SRC;
                case NW_TOS, IPV6_LABEL -> Flag.SET_FIRST_WORD;
                case NW_TTL -> Flag.SET_TTL;
                case VLAN_TCI -> Flag.SET_TAG;
                case PKT_MARK -> Flag.SET_MARK;
                case SKB_PRIORITY -> Flag.SET_PRIORITY;
            };
        }
        if (path.arriving().sourceHigh() != path.leaving().sourceHigh()
                || path.arriving().sourceLow() != path.leaving().sourceLow()
                || path.arriving().destinationHigh() != path.leaving().destinationHigh()
                || path.arriving().destinationLow() != path.leaving().destinationLow()) {
            flags |= Flag.SET_ADDRESSES;
        }
        if (path.arriving().sourcePort() != path.leaving().sourcePort()
                || path.arriving().destinationPort() != path.leaving().destinationPort()) {
            flags |= Flag.SET_PORTS;
        }
        return (flags & Flag.HEADER_CHANGES) != 0 ? flags | Flag.WRITE_HEADER : flags;
    }

    private static void writeGuard(Path path, MemorySegment value) {
        HeaderMask guard = HeaderMask.of(path.guard(), path.arriving().ipv6());
        for (int word = 0; word < GUARD_WORDS; word++) {
            int at = GUARD + word * 2 * Long.BYTES;
            MemorySegment.copy(guard.values(), (long) word * Long.BYTES, value, at, Long.BYTES);
            MemorySegment.copy(guard.masks(), (long) word * Long.BYTES, value, at + Long.BYTES, Long.BYTES);
        }
    }

    private static void writeTags(Path path, MemorySegment value) {
        HeaderBits guard = path.guardOf(HeaderField.VLAN_TCI);
        if (guard != null) {
            value.set(U16, GUARD_TAG_VALUE, (short) guard.value());
            value.set(U16, GUARD_TAG_MASK, (short) guard.mask());
        }
        HeaderBits set = path.rewriteOf(HeaderField.VLAN_TCI);
        if (set != null) {
            value.set(U16, SET_TAG_VALUE, (short) set.value());
            value.set(U16, SET_TAG_MASK, (short) set.mask());
        }
    }

    private static void writeHeader(Path path, MemorySegment value) {
        boolean ipv6 = path.arriving().ipv6();
        HeaderMask header = HeaderMask.of(path.rewrites(), ipv6);
        // Destination and source stand one behind the other, in the frame as here.
        MemorySegment.copy(header.values(), Frame.ETH_DST, value, ETH_DST, Frame.IP - Short.BYTES);
        MemorySegment.copy(header.values(), Frame.IP, value, FIRST_WORD_VALUE, Integer.BYTES);
        MemorySegment.copy(header.masks(), Frame.IP, value, FIRST_WORD_MASK, Integer.BYTES);
        value.set(ValueLayout.JAVA_BYTE, TTL, (byte) valueOf(path.rewriteOf(HeaderField.NW_TTL)));
    }

    private static void writeTranslation(Path path, MemorySegment value) {
        PathKey.writeAddresses(path.leaving(), value, SOURCE, DESTINATION);
        PathKey.writePorts(path.leaving(), value, PORTS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment arriving = arena.allocate(ADDRESSES_BYTES + Integer.BYTES);
            PathKey.writeAddresses(path.arriving(), arriving, 0, ADDRESSES_BYTES / 2);
            PathKey.writePorts(path.arriving(), arriving, ADDRESSES_BYTES);
            value.set(
                    U32,
                    ADDRESS_DIFFERENCE,
                    ChecksumDifference.between(
                            arriving.asSlice(0, ADDRESSES_BYTES), value.asSlice(SOURCE, ADDRESSES_BYTES)));
            value.set(
                    U32,
                    PORT_DIFFERENCE,
                    ChecksumDifference.between(
                            arriving.asSlice(ADDRESSES_BYTES, Integer.BYTES), value.asSlice(PORTS, Integer.BYTES)));
        }
    }

    private static long valueOf(@Nullable HeaderBits bits) {
        return bits == null ? 0 : bits.value();
    }

    /** Bits of a frame's first bytes, as on the wire. */
    private record HeaderMask(MemorySegment values, MemorySegment masks) {
        static final int BYTES = 24;

        /** Those of the fields that are headers' bits in a frame without tag; the others are left out. */
        static HeaderMask of(List<HeaderBits> all, boolean ipv6) {
            byte[] values = new byte[BYTES];
            byte[] masks = new byte[BYTES];
            for (HeaderBits bits : all) {
                int firstBit = firstBit(bits.field(), ipv6);
                if (firstBit >= 0) {
                    put(bits.value(), bits.field().widthBits(), firstBit, values);
                    put(bits.mask(), bits.field().widthBits(), firstBit, masks);
                }
            }
            return new HeaderMask(MemorySegment.ofArray(values), MemorySegment.ofArray(masks));
        }

        /** Where the field begins, in bits; -1 if it is none of such a frame's first bytes. */
        private static int firstBit(HeaderField field, boolean ipv6) {
            final int versionBits = 4;
            final int trafficClassBits = 8;
            return switch (field) {
                case ETH_DST -> Frame.ETH_DST * Byte.SIZE;
                case ETH_SRC -> Frame.ETH_SRC * Byte.SIZE;
                case NW_TOS -> ipv6 ? Frame.IP * Byte.SIZE + versionBits : (Frame.IP + 1) * Byte.SIZE;
                case NW_TTL -> (ipv6 ? Frame.IPV6_TTL : Frame.IPV4_TTL) * Byte.SIZE;
                case IPV6_LABEL -> ipv6 ? Frame.IP * Byte.SIZE + versionBits + trafficClassBits : -1;
                case VLAN_TCI, PKT_MARK, SKB_PRIORITY -> -1;
            };
        }

        private static void put(long bits, int widthBits, int firstBit, byte[] into) {
            for (int i = 0; i < widthBits; i++) {
                int at = firstBit + i;
                int bit = (int) (bits >>> (widthBits - 1 - i)) & 1;
                into[at / Byte.SIZE] |= (byte) (bit << (Byte.SIZE - 1 - at % Byte.SIZE));
            }
        }
    }

    /** The kernel's way to say how a checksum changes: what is to be added to a sum of 16-bit words (RFC 1624). */
    private static final class ChecksumDifference {
        private static final ValueLayout.OfShort WORD =
                ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.nativeOrder());
        private static final int WORD_MASK = 0xffff;

        private ChecksumDifference() {}

        static int between(MemorySegment before, MemorySegment after) {
            int sum = 0;
            for (long at = 0; at < before.byteSize(); at += Short.BYTES) {
                sum += Short.toUnsignedInt(after.get(WORD, at)) + (~before.get(WORD, at) & WORD_MASK);
            }
            return sum;
        }
    }
}
