package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A path as the kernel has it, worked out so far that the programs compare and write whole words: the guard is a mask
 * and a value over the frame's first {@link HeaderMask#BYTES} bytes, and what NAT does to checksums is a number.
 *
 * <p>Together with its key and what the kernel adds it takes 256 bytes, which is what the kernel has memory in pieces
 * of: 8 bytes more, and it would be 512.
 */
final class PathValue {
    static final int COUNTER = 0;
    static final int EGRESS = 4;
    /** The longest frame that the egress device takes, Ethernet header included. */
    static final int MAX_FRAME_BYTES = 8;

    static final int MARK = 12;
    /** Three times 8 bytes of value and 8 of mask. */
    static final int GUARD = 16;

    static final int GUARD_WORDS = HeaderMask.BYTES / Long.BYTES;
    /** 2 bytes, as {@link HeaderField#VLAN_TCI}; so the next three. */
    static final int GUARD_TAG_VALUE = 64;

    static final int GUARD_TAG_MASK = 66;
    static final int SET_TAG_VALUE = 68;
    static final int SET_TAG_MASK = 70;
    static final int ETH_DST = 72;
    static final int ETH_SRC = 78;
    /** 1 byte; the next is unused. */
    static final int TTL = 84;
    /** 2 bytes: of {@link Flag}. */
    static final int FLAGS = 86;

    static final int FIRST_WORD_VALUE = 88;
    static final int FIRST_WORD_MASK = 92;
    /** 2 bytes: what is to be added to a sum of 16-bit words because of the addresses (RFC 1624). */
    static final int ADDRESS_DIFFERENCE = 96;
    /** 2 bytes: the same because of the ports. */
    static final int PORT_DIFFERENCE = 98;

    static final int PORTS = 100;
    static final int SOURCE = 104;
    static final int DESTINATION = 120;
    static final int PRIORITY = 136;
    /** By when frames are carried although others have just been shown: 1024 ns each, the lower 32 bits. */
    static final int STARTS_LATEST = 140;
    /** 8 bytes: before this no frame is carried, on the scale of {@code System.nanoTime}; 0 once one has been. */
    static final int STARTS_NS = 144;

    static final int SIZE_BYTES = 152;
    /** To the unit of {@link #STARTS_LATEST}. */
    static final int LATEST_SHIFT = 10;

    private static final int ETHERNET_HEADER_BYTES = Frame.IP;
    /** Two addresses of 16 bytes. */
    private static final int ADDRESSES_WORDS = 16;

    private static final int PORTS_WORDS = 2;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort WIRE_U16 = U16.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt WIRE_U32 = U32.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong WIRE_U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

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
        value.set(U16, FLAGS, (short) flags(path));
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
        writeGuard(0, guard.value0, guard.mask0, value);
        writeGuard(1, guard.value1, guard.mask1, value);
        writeGuard(2, guard.value2, guard.mask2, value);
    }

    private static void writeGuard(int word, long bits, long mask, MemorySegment value) {
        value.set(WIRE_U64, GUARD + word * 2 * Long.BYTES, bits);
        value.set(WIRE_U64, GUARD + word * 2 * Long.BYTES + Long.BYTES, mask);
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
        HeaderMask header = HeaderMask.of(path.rewrites(), path.arriving().ipv6());
        // The frame's first two words: destination, source, EtherType, and the first half of the IP header's first
        // word.
        value.set(WIRE_U64, ETH_DST, header.value0);
        value.set(WIRE_U32, ETH_DST + Long.BYTES, (int) (header.value1 >>> Integer.SIZE));
        value.set(WIRE_U32, FIRST_WORD_VALUE, firstWord(header.value1, header.value2));
        value.set(WIRE_U32, FIRST_WORD_MASK, firstWord(header.mask1, header.mask2));
        value.set(ValueLayout.JAVA_BYTE, TTL, (byte) valueOf(path.rewriteOf(HeaderField.NW_TTL)));
    }

    /** The first 4 bytes of the IP header stand across the end of the frame's second word. */
    private static int firstWord(long second, long third) {
        return (int) (second << Short.SIZE | third >>> Long.SIZE - Short.SIZE);
    }

    private static void writeTranslation(Path path, MemorySegment value) {
        TupleView arriving = path.arriving();
        TupleView leaving = path.leaving();
        PathKey.writeAddresses(leaving, value, SOURCE, DESTINATION);
        PathKey.writePorts(leaving, value, PORTS);
        value.set(
                WIRE_U16,
                ADDRESS_DIFFERENCE,
                ChecksumDifference.between(ADDRESSES_WORDS, addressSum(arriving), addressSum(leaving)));
        value.set(
                WIRE_U16,
                PORT_DIFFERENCE,
                ChecksumDifference.between(PORTS_WORDS, portSum(arriving), portSum(leaving)));
    }

    private static int addressSum(TupleView tuple) {
        return ChecksumDifference.sum(tuple.sourceHigh())
                + ChecksumDifference.sum(tuple.sourceLow())
                + ChecksumDifference.sum(tuple.destinationHigh())
                + ChecksumDifference.sum(tuple.destinationLow());
    }

    private static int portSum(TupleView tuple) {
        return tuple.sourcePort() + tuple.destinationPort();
    }

    private static long valueOf(@Nullable HeaderBits bits) {
        return bits == null ? 0 : bits.value();
    }

    /** Bits of a frame's first bytes, as on the wire: three words of 8 bytes, the first byte uppermost. */
    private static final class HeaderMask {
        static final int BYTES = 24;

        long value0;
        long value1;
        long value2;
        long mask0;
        long mask1;
        long mask2;

        /** Those of the fields that are headers' bits in a frame without tag; the others are left out. */
        static HeaderMask of(List<HeaderBits> all, boolean ipv6) {
            HeaderMask mask = new HeaderMask();
            for (int i = 0; i < all.size(); i++) {
                HeaderBits bits = all.get(i);
                int firstBit = firstBit(bits.field(), ipv6);
                if (firstBit >= 0) {
                    mask.put(bits, firstBit);
                }
            }
            return mask;
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

        private void put(HeaderBits bits, int firstBit) {
            int width = bits.field().widthBits();
            value0 |= inWord(0, bits.value(), width, firstBit);
            value1 |= inWord(1, bits.value(), width, firstBit);
            value2 |= inWord(2, bits.value(), width, firstBit);
            mask0 |= inWord(0, bits.mask(), width, firstBit);
            mask1 |= inWord(1, bits.mask(), width, firstBit);
            mask2 |= inWord(2, bits.mask(), width, firstBit);
        }

        /** What of the bits, which may stand across the end of a word, is in this one. */
        private static long inWord(int word, long bits, int width, int firstBit) {
            int left = (word + 1) * Long.SIZE - firstBit - width;
            if (left <= -Long.SIZE || left >= Long.SIZE) {
                return 0;
            }
            return left >= 0 ? bits << left : bits >>> -left;
        }
    }

    /** How a checksum changes: what is to be added to a sum of 16-bit words (RFC 1624), itself folded to 16 bits. */
    private static final class ChecksumDifference {
        private static final int WORD_MASK = 0xffff;

        private ChecksumDifference() {}

        /** Of the four words. */
        static int sum(long words) {
            return (int)
                    ((words >>> 48) + (words >>> 32 & WORD_MASK) + (words >>> 16 & WORD_MASK) + (words & WORD_MASK));
        }

        /** @param words over how many words the sums were made */
        static short between(int words, int before, int after) {
            int sum = after - before + words * WORD_MASK; // words that are taken away are added inverted
            sum = (sum >>> Short.SIZE) + (sum & WORD_MASK);
            return (short) ((sum >>> Short.SIZE) + sum);
        }
    }
}
