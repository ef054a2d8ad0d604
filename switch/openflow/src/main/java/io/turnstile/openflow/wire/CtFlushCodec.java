package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.conntrack.ConnectionFilter.PartialTuple;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import org.jspecify.annotations.Nullable;

/**
 * NXT_CT_FLUSH_ZONE (pad 48, zone 16) and NXT_CT_FLUSH: protocol 8, pad 56, then properties, each of type 16, length 16
 * and value, padded to eight bytes. What follows a number of 8 or 16 bits does not matter. A tuple is a property of
 * properties, which begin at its eighth byte; addresses are IPv6 ones, an IPv4 address is mapped (RFC 4291 §2.5.5.2).
 * Zero is "any" in a tuple.
 */
public final class CtFlushCodec {
    private static final int ORIGINAL_TUPLE = 0;
    private static final int REPLY_TUPLE = 1;
    private static final int ZONE = 2;
    private static final int MARK = 3;
    private static final int MARK_MASK = 4;
    private static final int LABELS = 5;
    private static final int LABELS_MASK = 6;

    private static final int SOURCE = 0;
    private static final int DESTINATION = 1;
    private static final int SOURCE_PORT = 2;
    private static final int DESTINATION_PORT = 3;
    private static final int ICMP_ID = 4;
    private static final int ICMP_TYPE = 5;
    private static final int ICMP_CODE = 6;

    private static final int PROPERTY_HEADER_BYTES = 4;
    private static final int EXPERIMENTER_HEADER_BYTES = 12;
    private static final long IPV4_MAPPED = 0xffffL;

    private CtFlushCodec() {}

    /** What a property is taken to mean. */
    private interface Meaning {
        void take(int type, ByteBuf value) throws OfException;
    }

    /** {@code in} stands behind the subtype, as for {@link #read}. */
    public static ConnectionFilter readZone(ByteBuf in) throws OfException {
        needLength(in.readableBytes() == 8);
        needZero(in, 6);
        ConnectionFilter filter = new ConnectionFilter();
        filter.zone = in.readUnsignedShort();
        return filter;
    }

    public static ConnectionFilter read(ByteBuf in) throws OfException {
        needLength(in.readableBytes() >= 8 && in.readableBytes() % 8 == 0);
        ConnectionFilter filter = new ConnectionFilter();
        filter.protocol = in.readUnsignedByte();
        needZero(in, 7);
        boolean[] seen = new boolean[LABELS_MASK + 1];
        properties(in, (type, value) -> {
            readProperty(type, value, filter);
            seen[type] = true;
        });
        // A value without a mask is wanted as it is.
        filter.markMask = seen[MARK] && !seen[MARK_MASK] ? -1 : filter.markMask;
        if (seen[LABELS] && !seen[LABELS_MASK]) {
            filter.labelMaskHigh = -1;
            filter.labelMaskLow = -1;
        }
        return filter;
    }

    private static void needLength(boolean right) throws OfException {
        if (!right) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "length of a flush");
        }
    }

    private static void needZero(ByteBuf in, int bytes) throws OfException {
        for (int i = 0; i < bytes; i++) {
            if (in.readByte() != 0) {
                throw new OfException(OfErrorCode.NXBRC_MUST_BE_ZERO, "reserved bytes are not zero");
            }
        }
    }

    private static void properties(ByteBuf in, Meaning meaning) throws OfException {
        while (in.isReadable()) {
            Wire.need(in, PROPERTY_HEADER_BYTES, OfErrorCode.OFPBPC_BAD_LEN);
            int type = in.getUnsignedShort(in.readerIndex());
            int lengthBytes = in.getUnsignedShort(in.readerIndex() + 2);
            if (lengthBytes < PROPERTY_HEADER_BYTES || Wire.padded(lengthBytes) > in.readableBytes()) {
                throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "property of " + lengthBytes + " bytes");
            }
            if (type == Wire.EXPERIMENTER) {
                throw experimenter(in, lengthBytes);
            }
            ByteBuf property = in.slice(in.readerIndex(), lengthBytes);
            in.skipBytes(Wire.padded(lengthBytes));
            meaning.take(type, property.skipBytes(PROPERTY_HEADER_BYTES));
        }
    }

    /** None is known. */
    private static OfException experimenter(ByteBuf in, int lengthBytes) {
        if (lengthBytes < EXPERIMENTER_HEADER_BYTES) {
            return new OfException(OfErrorCode.OFPBPC_BAD_LEN, "experimenter property of " + lengthBytes + " bytes");
        }
        int experimenter = in.getInt(in.readerIndex() + PROPERTY_HEADER_BYTES);
        return new OfException(
                experimenter == 0 ? OfErrorCode.OFPBPC_BAD_EXPERIMENTER : OfErrorCode.OFPBPC_BAD_EXP_TYPE,
                "property of experimenter 0x" + Integer.toHexString(experimenter));
    }

    private static void readProperty(int type, ByteBuf value, ConnectionFilter filter) throws OfException {
        switch (type) {
            case ORIGINAL_TUPLE -> readTuple(value, filter.original, filter);
            case REPLY_TUPLE -> readTuple(value, filter.reply, filter);
            case ZONE -> filter.zone = atLeast(value, 2).readUnsignedShort();
            case MARK -> filter.mark = exactly(value, 4).readInt();
            case MARK_MASK -> filter.markMask = exactly(value, 4).readInt();
            case LABELS -> {
                long[] label = wide(value);
                filter.labelHigh = label[0];
                filter.labelLow = label[1];
            }
            case LABELS_MASK -> {
                long[] mask = wide(value);
                filter.labelMaskHigh = mask[0];
                filter.labelMaskLow = mask[1];
            }
            default -> throw new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "NXT_CT_FLUSH property " + type);
        }
    }

    private static void readTuple(ByteBuf value, PartialTuple tuple, ConnectionFilter filter) throws OfException {
        Wire.need(value, PROPERTY_HEADER_BYTES, OfErrorCode.OFPBPC_BAD_LEN);
        properties(value.skipBytes(PROPERTY_HEADER_BYTES), (type, part) -> readPart(type, part, tuple, filter));
    }

    private static void readPart(int type, ByteBuf value, PartialTuple tuple, ConnectionFilter filter)
            throws OfException {
        switch (type) {
            case SOURCE -> {
                long[] address = address(value, filter);
                tuple.sourceHigh = address[0];
                tuple.sourceLow = address[1];
            }
            case DESTINATION -> {
                long[] address = address(value, filter);
                tuple.destinationHigh = address[0];
                tuple.destinationLow = address[1];
            }
            case SOURCE_PORT -> tuple.sourcePort = atLeast(value, 2).readUnsignedShort();
            case DESTINATION_PORT -> tuple.destinationPort = atLeast(value, 2).readUnsignedShort();
            case ICMP_ID -> tuple.icmpId = asked(atLeast(value, 2).readUnsignedShort());
            case ICMP_TYPE -> tuple.icmpType = asked(atLeast(value, 1).readUnsignedByte());
            case ICMP_CODE -> tuple.icmpCode = asked(atLeast(value, 1).readUnsignedByte());
            default -> throw new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "NXT_CT_FLUSH tuple property " + type);
        }
    }

    /** ovs-ofctl sends all three fields of ICMP whatever was asked for, and zero for the others. */
    private static @Nullable Integer asked(int value) {
        return value == 0 ? null : value;
    }

    private static long[] address(ByteBuf value, ConnectionFilter filter) throws OfException {
        long[] address = wide(value);
        if ((address[0] | address[1]) == 0) {
            return address; // any
        }
        boolean ipv4 = address[0] == 0 && address[1] >>> 32 == IPV4_MAPPED;
        if (filter.ipv6 != null && filter.ipv6 == ipv4) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "addresses of two families");
        }
        filter.ipv6 = !ipv4;
        return ipv4 ? new long[] {0, address[1] & 0xffff_ffffL} : address;
    }

    private static long[] wide(ByteBuf value) throws OfException {
        exactly(value, 16);
        return new long[] {value.readLong(), value.readLong()};
    }

    private static ByteBuf atLeast(ByteBuf value, int bytes) throws OfException {
        Wire.need(value, bytes, OfErrorCode.OFPBPC_BAD_LEN);
        return value;
    }

    private static ByteBuf exactly(ByteBuf value, int bytes) throws OfException {
        if (value.readableBytes() != bytes) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, value.readableBytes() + " bytes instead of " + bytes);
        }
        return value;
    }
}
