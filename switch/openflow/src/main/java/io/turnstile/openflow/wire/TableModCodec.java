package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.TableMiss;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/**
 * OFPT_TABLE_MOD and OFPMP_TABLE_DESC. What a table's configuration means has changed from version to version: what
 * becomes of misses (1.1, 1.2), nothing (1.3), eviction and events of vacancy (since 1.4), which no table here has.
 */
public final class TableModCodec {
    private static final int MISS_MASK = 3;
    private static final int CONTINUE = 1;
    private static final int DROP = 2;
    /** OFPTMPT_EVICTION. */
    private static final int EVICTION = 2;
    /** By other properties, importance and life time: what Open vSwitch's tables could evict by. */
    private static final int EVICTION_FLAGS = 7;

    private static final int VACANCY = 3;
    private static final int VACANCY_BYTES = 8;
    private static final int MAX_PERCENT = 100;

    private TableModCodec() {}

    /** A table, or 255 for all, and what becomes of its misses from now on. */
    public record TableMod(int tableId, TableMiss miss) {}

    /** Reads what stands behind the header, of which eight bytes are there. */
    public static TableMod read(ByteBuf in, WireVersion version) throws OfException {
        int table = in.readUnsignedByte();
        in.skipBytes(3);
        int config = in.readInt();
        if (version.hasProperties()) {
            while (in.isReadable()) {
                readProperty(in);
            }
            if (config != 0) {
                throw new OfException(OfErrorCode.OFPTMFC_BAD_CONFIG, "neither eviction nor events of vacancy");
            }
        } else if (in.isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "bytes behind a table_mod");
        }
        return new TableMod(table, version.isAtLeast(WireVersion.OF13) ? TableMiss.DEFAULT : miss(config));
    }

    private static void readProperty(ByteBuf in) throws OfException {
        Wire.need(in, 4, OfErrorCode.OFPBPC_BAD_LEN);
        int type = in.readUnsignedShort();
        int length = in.readUnsignedShort();
        if (length < 4) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "property of " + length + " bytes");
        }
        Wire.need(in, Wire.padded(length) - 4, OfErrorCode.OFPBPC_BAD_LEN);
        ByteBuf value = in.readSlice(length - 4);
        in.skipBytes(Wire.padded(length) - length);
        switch (type) {
            case EVICTION -> {
                if (value.readableBytes() != Integer.BYTES) {
                    throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "eviction");
                }
                if (value.readInt() != EVICTION_FLAGS) {
                    throw new OfException(OfErrorCode.OFPTMFC_BAD_CONFIG, "other eviction flags");
                }
            }
            case VACANCY -> {
                if (length != VACANCY_BYTES) {
                    throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "vacancy");
                }
                int down = value.readUnsignedByte();
                int up = value.readUnsignedByte();
                if (down > up || up > MAX_PERCENT || value.readByte() != 0) {
                    throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "vacancy from " + down + " to " + up);
                }
            }
            default -> throw new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "property " + type);
        }
    }

    private static TableMiss miss(int config) {
        return switch (config & MISS_MASK) {
            case CONTINUE -> TableMiss.CONTINUE;
            case DROP -> TableMiss.DROP;
            default -> TableMiss.CONTROLLER;
        };
    }

    /** OFPTC_TABLE_MISS_* of 1.1 and 1.2. */
    static int code(TableMiss miss) {
        return switch (miss) {
            case DEFAULT, CONTROLLER -> 0;
            case CONTINUE -> CONTINUE;
            case DROP -> DROP;
        };
    }

    /** One table's entry of OFPMP_TABLE_DESC. */
    public static void writeDescription(ByteBuf out, int table) {
        int start = out.writerIndex();
        out.writeShort(0).writeByte(table).writeByte(0).writeInt(0);
        int property = Wire.startProperty(out, EVICTION);
        out.writeInt(EVICTION_FLAGS);
        Wire.endProperty(out, property);
        out.setShort(start, out.writerIndex() - start);
    }
}
