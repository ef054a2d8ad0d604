package io.turnstile.embedded.model;

import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.TupleView;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A frame as a device sees it that carries paths: whether a path is for it, and what of it leaves. TCP and UDP; written
 * in the plainest way and without a look at how the switch does it.
 */
final class CarriedFrame {
    private static final int TAG = 0x8100;
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86dd;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int FIN_SYN_RST = 7;
    /** Stands for a tag in a TCI of a path. */
    private static final int PRESENT = 0x1000;

    private final ByteBuffer frame;
    private final boolean isTagged;
    private final int networkAt;
    private final boolean ipv6;
    private final int transportAt;

    private CarriedFrame(byte[] bytes) {
        frame = ByteBuffer.wrap(bytes);
        isTagged = u16(12) == TAG;
        networkAt = isTagged ? 18 : 14;
        ipv6 = u16(networkAt - 2) == IPV6;
        transportAt = networkAt + (ipv6 ? 40 : 20);
    }

    /** The frame, if paths are for frames of its kind at all; null: software has to see it. */
    static @Nullable CarriedFrame of(byte[] bytes) {
        if (bytes.length < 34) {
            return null;
        }
        CarriedFrame frame = new CarriedFrame(bytes);
        return frame.isOrdinary() ? frame : null;
    }

    private boolean isOrdinary() {
        int type = u16(networkAt - 2);
        if (type != IPV4 && type != IPV6 || frame.capacity() < transportAt + 8) {
            return false;
        }
        boolean isWhole = ipv6 || u8(networkAt) == 0x45 && (u16(networkAt + 6) & 0x3fff) == 0;
        return isWhole
                && ttl() > 1
                && (protocol() == UDP
                        || protocol() == TCP
                                && frame.capacity() >= transportAt + 20
                                && (u8(transportAt + 13) & FIN_SYN_RST) == 0);
    }

    private int u8(int at) {
        return frame.get(at) & 0xff;
    }

    private int u16(int at) {
        return frame.getShort(at) & 0xffff;
    }

    private int protocol() {
        return u8(networkAt + (ipv6 ? 6 : 9));
    }

    private int ttl() {
        return u8(networkAt + (ipv6 ? 7 : 8));
    }

    /** Bytes behind the Ethernet header and a tag: what has to fit an MTU. */
    int networkBytes() {
        return frame.capacity() - networkAt;
    }

    // ---- what a path asks ----

    /** Whether the path, which begins where the frame came in, is for it. */
    boolean isFor(Path path) {
        return tuple().equals(path.arriving())
                && path.guard().stream().allMatch(bits -> (get(bits.field()) & bits.mask()) == bits.value());
    }

    private TupleView tuple() {
        int at = networkAt + (ipv6 ? 8 : 12);
        return ipv6
                ? new TupleView(
                        true,
                        protocol(),
                        frame.getLong(at),
                        frame.getLong(at + 8),
                        frame.getLong(at + 16),
                        frame.getLong(at + 24),
                        u16(transportAt),
                        u16(transportAt + 2),
                        0,
                        0,
                        0)
                : new TupleView(
                        false,
                        protocol(),
                        0,
                        frame.getInt(at) & 0xffff_ffffL,
                        0,
                        frame.getInt(at + 4) & 0xffff_ffffL,
                        u16(transportAt),
                        u16(transportAt + 2),
                        0,
                        0,
                        0);
    }

    private long get(HeaderField field) {
        return switch (field) {
            case ETH_DST -> frame.getLong(0) >>> 16;
            case ETH_SRC -> frame.getLong(6) >>> 16;
            case VLAN_TCI -> isTagged ? u16(14) | PRESENT : 0;
            case NW_TOS -> ipv6 ? u16(networkAt) >>> 4 & 0xff : u8(networkAt + 1);
            case NW_TTL -> ttl();
            case IPV6_LABEL -> ipv6 ? frame.getInt(networkAt) & 0xf_ffff : 0;
            case PKT_MARK, SKB_PRIORITY -> 0;
        };
    }

    // ---- what a path writes ----

    /** The frame as it leaves by the path. */
    byte[] leavingBy(Path path) {
        byte[] bytes = retagged(path.rewriteOf(HeaderField.VLAN_TCI));
        CarriedFrame leaving = new CarriedFrame(bytes);
        for (HeaderBits bits : path.rewrites()) {
            leaving.set(bits.field(), leaving.get(bits.field()) & ~bits.mask() | bits.value());
        }
        leaving.setTuple(path.leaving());
        leaving.completeChecksums();
        return bytes;
    }

    private byte[] retagged(@Nullable HeaderBits bits) {
        if (bits == null) {
            return frame.array().clone();
        }
        int tci = (int) (get(HeaderField.VLAN_TCI) & ~bits.mask() | bits.value());
        ByteBuffer retagged = ByteBuffer.allocate(12 + (tci == 0 ? 0 : 4) + 2 + networkBytes());
        retagged.put(frame.array(), 0, 12);
        if (tci != 0) {
            retagged.putShort((short) TAG).putShort((short) (tci & ~PRESENT));
        }
        retagged.put(frame.array(), networkAt - 2, 2 + networkBytes());
        return retagged.array();
    }

    private void set(HeaderField field, long value) {
        switch (field) {
            case ETH_DST -> setMac(0, value);
            case ETH_SRC -> setMac(6, value);
            case NW_TOS -> {
                if (ipv6) {
                    frame.putShort(networkAt, (short) (u16(networkAt) & 0xf00f | value << 4));
                } else {
                    frame.put(networkAt + 1, (byte) value);
                }
            }
            case NW_TTL -> frame.put(networkAt + (ipv6 ? 7 : 8), (byte) value);
            case IPV6_LABEL -> frame.putInt(networkAt, (int) (frame.getInt(networkAt) & 0xfff0_0000L | value));
            case VLAN_TCI, PKT_MARK, SKB_PRIORITY -> {
                // The tag is there already; the others are in no header.
            }
        }
    }

    private void setMac(int at, long mac) {
        frame.putShort(at, (short) (mac >>> 32)).putInt(at + 2, (int) mac);
    }

    private void setTuple(TupleView tuple) {
        int at = networkAt + (ipv6 ? 8 : 12);
        if (ipv6) {
            frame.putLong(at, tuple.sourceHigh()).putLong(at + 8, tuple.sourceLow());
            frame.putLong(at + 16, tuple.destinationHigh()).putLong(at + 24, tuple.destinationLow());
        } else {
            frame.putInt(at, (int) tuple.sourceLow()).putInt(at + 4, (int) tuple.destinationLow());
        }
        frame.putShort(transportAt, (short) tuple.sourcePort());
        frame.putShort(transportAt + 2, (short) tuple.destinationPort());
    }

    private void completeChecksums() {
        if (!ipv6) {
            frame.putShort(networkAt + 10, (short) 0);
            frame.putShort(networkAt + 10, (short) complement(sum(networkAt, transportAt)));
        }
        int at = transportAt + (protocol() == TCP ? 16 : 6);
        if (protocol() == UDP && u16(at) == 0) {
            return; // none was there
        }
        frame.putShort(at, (short) 0);
        int end = ipv6 ? transportAt + u16(networkAt + 4) : networkAt + u16(networkAt + 2);
        int checksum = complement(
                sum(networkAt + (ipv6 ? 8 : 12), transportAt) + sum(transportAt, end) + protocol() + end - transportAt);
        frame.putShort(at, (short) (checksum == 0 && protocol() == UDP ? 0xffff : checksum));
    }

    private long sum(int from, int to) {
        long sum = 0;
        for (int at = from; at < to; at++) {
            sum += (long) u8(at) << ((at - from) % 2 == 0 ? 8 : 0);
        }
        return sum;
    }

    private static int complement(long sum) {
        long folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded & 0xffff) + (folded >>> 16);
        }
        return (int) (~folded & 0xffff);
    }
}
