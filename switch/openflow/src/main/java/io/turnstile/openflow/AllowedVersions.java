package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The versions of OpenFlow that one side of a connection speaks, as bits by the version's number, which is how hellos
 * have them (OpenFlow 1.3.5 §7.5.1). Immutable.
 */
public final class AllowedVersions {
    /** All that this switch speaks. */
    public static final AllowedVersions ALL = new AllowedVersions(ofAll());

    private static final int BITMAP_ELEMENT = 1;
    private static final int BITMAP_ELEMENT_BYTES = 8;
    private static final int MAX_VERSION = 30;

    private final int bitmap;

    private AllowedVersions(int bitmap) {
        this.bitmap = bitmap;
    }

    private static int ofAll() {
        int bits = 0;
        for (WireVersion version : WireVersion.values()) {
            bits |= 1 << version.code();
        }
        return bits;
    }

    /**
     * Those of {@code Bridge:protocols} ({@code OpenFlow10} to {@code OpenFlow15}); all if none is named, names that
     * mean nothing here aside.
     */
    public static AllowedVersions named(Collection<String> protocols) {
        int bits = 0;
        for (WireVersion version : WireVersion.values()) {
            if (protocols.stream().anyMatch(name -> nameOf(version).equals(name.toLowerCase(Locale.ROOT)))) {
                bits |= 1 << version.code();
            }
        }
        return bits == 0 ? ALL : new AllowedVersions(bits);
    }

    /** As {@code openflow10}: the number on the wire is one more than the minor version. */
    private static String nameOf(WireVersion version) {
        return "openflow1" + (version.code() - 1);
    }

    /** The versions that a hello offers: its bitmap's; without one, all versions up to that of the header. */
    static AllowedVersions offeredBy(ByteBuf hello) {
        int start = hello.readerIndex();
        int at = start + Wire.HEADER_BYTES;
        int end = start + hello.readableBytes();
        while (at + Integer.BYTES <= end) {
            int type = hello.getUnsignedShort(at);
            int length = hello.getUnsignedShort(at + Short.BYTES);
            if (length < Integer.BYTES || at + length > end) {
                break;
            }
            if (type == BITMAP_ELEMENT && length >= BITMAP_ELEMENT_BYTES) {
                return new AllowedVersions(hello.getInt(at + Integer.BYTES));
            }
            at += length + 7 & ~7;
        }
        return new AllowedVersions((2 << Math.min(hello.getUnsignedByte(start), MAX_VERSION)) - 1 & ~1);
    }

    /** The highest version that both speak; null if there is none. */
    @Nullable
    WireVersion agreeWith(AllowedVersions peer) {
        WireVersion best = null;
        for (WireVersion version : WireVersion.values()) {
            best = (bitmap & peer.bitmap & 1 << version.code()) != 0 ? version : best;
        }
        return best;
    }

    /** The highest of them; that of an error in answer to a peer that speaks none of ours is 1.0. */
    WireVersion newest() {
        WireVersion best = agreeWith(ALL);
        return best == null ? WireVersion.OF10 : best;
    }

    /** Writes a hello. As Open vSwitch's it has a bitmap only where its header's version does not say it all. */
    void writeHello(ByteBuf out, int xid) {
        int start = Wire.startMessage(out, newest(), MessageType.HELLO.number(newest()), xid);
        if (!isAllUpToNewest()) {
            out.writeShort(BITMAP_ELEMENT).writeShort(BITMAP_ELEMENT_BYTES).writeInt(bitmap);
        }
        Wire.endMessage(out, start);
    }

    private boolean isAllUpToNewest() {
        int count = (bitmap >>> 1) + 1;
        return (count & count - 1) == 0;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AllowedVersions versions && versions.bitmap == bitmap;
    }

    @Override
    public int hashCode() {
        return Integer.hashCode(bitmap);
    }

    /** In Open vSwitch's words, as {@code version 0x04 and earlier}. */
    @Override
    public String toString() {
        if (bitmap == 0) {
            return "no versions";
        }
        int highest = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(bitmap);
        if (Integer.bitCount(bitmap) == 1) {
            return "version " + code(highest);
        }
        if (isAllUpToNewest()) {
            return "version " + code(highest) + " and earlier";
        }
        return "versions "
                + IntStream.range(0, Integer.SIZE)
                        .filter(version -> (bitmap & 1 << version) != 0)
                        .mapToObj(AllowedVersions::code)
                        .collect(Collectors.joining(", "));
    }

    private static String code(int version) {
        return "0x%02x".formatted(version);
    }
}
