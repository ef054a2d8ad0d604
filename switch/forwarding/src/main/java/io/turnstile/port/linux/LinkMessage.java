package io.turnstile.port.linux;

import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One rtnetlink message about a link: RTM_NEWLINK or RTM_DELLINK (rtnetlink(7), linux/if_link.h).
 *
 * @param statistics null if the kernel sent none
 */
record LinkMessage(
        boolean present,
        String name,
        int ifIndex,
        int flags,
        long macAddress,
        int mtuBytes,
        long carrierChanges,
        @Nullable PortStatistics statistics) {
    static final int NLMSG_ERROR = 2;
    static final int RTM_NEWLINK = 16;
    static final int RTM_DELLINK = 17;
    static final int HEADER_BYTES = 16;
    static final int INFO_BYTES = 16;

    static final int IFF_UP = 1;
    static final int IFF_LOOPBACK = 8;
    static final int IFF_RUNNING = 0x40;

    private static final int INFO_INDEX_OFFSET = 4;
    private static final int INFO_FLAGS_OFFSET = 8;
    private static final int ATTRIBUTE_HEADER_BYTES = 4;
    private static final int ATTRIBUTE_TYPE_MASK = 0x3fff;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFLA_STATS64 = 23;
    private static final int IFLA_CARRIER_CHANGES = 35;
    private static final int MAC_BYTES = 6;

    // struct rtnl_link_stats64: 64-bit counters at these indexes
    private static final int STATS_BYTES = 23 * 8;
    private static final int RX_PACKETS = 0;
    private static final int TX_PACKETS = 1;
    private static final int RX_BYTES = 2;
    private static final int TX_BYTES = 3;
    private static final int RX_ERRORS = 4;
    private static final int TX_ERRORS = 5;
    private static final int RX_DROPPED = 6;
    private static final int TX_DROPPED = 7;
    private static final int MULTICAST = 8;
    private static final int COLLISIONS = 9;
    private static final int RX_OVER_ERRORS = 11;
    private static final int RX_CRC_ERRORS = 12;
    private static final int RX_FRAME_ERRORS = 13;
    private static final int RX_MISSED_ERRORS = 15;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Reads the message's body; attributes that are cut short or unknown are passed over. */
    static LinkMessage parse(int type, MemorySegment body) {
        String name = "";
        long mac = 0;
        int mtu = 0;
        long carrierChanges = 0;
        @Nullable PortStatistics statistics = null;
        long at = INFO_BYTES;
        while (at + ATTRIBUTE_HEADER_BYTES <= body.byteSize()) {
            int size = body.get(U16, at) & 0xffff;
            if (size < ATTRIBUTE_HEADER_BYTES || at + size > body.byteSize()) {
                break;
            }
            MemorySegment value = body.asSlice(at + ATTRIBUTE_HEADER_BYTES, size - (long) ATTRIBUTE_HEADER_BYTES);
            long bytes = value.byteSize();
            switch (body.get(U16, at + 2) & ATTRIBUTE_TYPE_MASK) {
                case IFLA_IFNAME -> name = text(value);
                case IFLA_ADDRESS -> mac = bytes == MAC_BYTES ? mac(value) : mac;
                case IFLA_MTU -> mtu = bytes >= 4 ? value.get(U32, 0) : mtu;
                case IFLA_CARRIER_CHANGES ->
                    carrierChanges = bytes >= 4 ? value.get(U32, 0) & 0xffff_ffffL : carrierChanges;
                case IFLA_STATS64 -> statistics = bytes >= STATS_BYTES ? statistics(value) : statistics;
                default -> {
                    // Of no interest to a port.
                }
            }
            at += (size + 3) & ~3;
        }
        return new LinkMessage(
                type == RTM_NEWLINK,
                name,
                body.get(U32, INFO_INDEX_OFFSET),
                body.get(U32, INFO_FLAGS_OFFSET),
                mac,
                mtu,
                carrierChanges,
                statistics);
    }

    private static String text(MemorySegment value) {
        byte[] bytes = value.toArray(ValueLayout.JAVA_BYTE);
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    private static long mac(MemorySegment value) {
        long mac = 0;
        for (int i = 0; i < MAC_BYTES; i++) {
            mac = mac << 8 | value.get(ValueLayout.JAVA_BYTE, i) & 0xff;
        }
        return mac;
    }

    private static PortStatistics statistics(MemorySegment value) {
        return new PortStatistics(
                counter(value, RX_PACKETS),
                counter(value, RX_BYTES),
                counter(value, RX_DROPPED),
                counter(value, RX_ERRORS),
                counter(value, TX_PACKETS),
                counter(value, TX_BYTES),
                counter(value, TX_DROPPED),
                counter(value, TX_ERRORS),
                counter(value, COLLISIONS),
                counter(value, RX_FRAME_ERRORS),
                counter(value, RX_OVER_ERRORS),
                counter(value, RX_CRC_ERRORS),
                counter(value, RX_MISSED_ERRORS),
                counter(value, MULTICAST));
    }

    private static long counter(MemorySegment value, int index) {
        return value.get(U64, index * 8L);
    }

    boolean adminUp() {
        return (flags & IFF_UP) != 0;
    }

    boolean isLoopback() {
        return (flags & IFF_LOOPBACK) != 0;
    }

    boolean carrier() {
        return (flags & IFF_RUNNING) != 0;
    }

    LinkStatus status(long speedMbps, long carrierChangesBefore) {
        return new LinkStatus(
                adminUp(), carrier(), macAddress, mtuBytes, ifIndex, speedMbps, carrierChanges - carrierChangesBefore);
    }
}
