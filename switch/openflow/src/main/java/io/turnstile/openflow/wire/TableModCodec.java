package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.TableDescription;
import io.turnstile.pipeline.TableMiss;
import io.turnstile.pipeline.TableMod;
import io.turnstile.pipeline.TableStatusReason;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import org.jspecify.annotations.Nullable;

/**
 * OFPT_TABLE_MOD, OFPMP_TABLE_DESC and OFPT_TABLE_STATUS. What a table's configuration means has changed from version
 * to version: what becomes of misses (1.1, 1.2), nothing (1.3), eviction and events of vacancy (since 1.4).
 */
public final class TableModCodec {
    private static final int MISS_MASK = 3;
    private static final int CONTINUE = 1;
    private static final int DROP = 2;
    /** OFPTMPT_EVICTION. */
    private static final int EVICTION = 2;
    /** By other properties, importance and life time: what tables evict by, which cannot be changed. */
    private static final int EVICTION_FLAGS = 7;
    /** OFPTC_EVICTION. */
    private static final int CONFIG_EVICTION = 1 << 2;
    /** OFPTC_VACANCY_EVENTS. */
    private static final int CONFIG_VACANCY = 1 << 3;

    private static final int VACANCY = 3;
    private static final int VACANCY_BYTES = 4;
    private static final int MAX_PERCENT = 100;

    private TableModCodec() {}

    /**
     * A table, or 255 for all, and what is said of it.
     *
     * @param mod null where the version has nothing to say
     */
    public record Decoded(int tableId, @Nullable TableMod mod) {}

    /** Reads what stands behind the header, of which eight bytes are there. */
    public static Decoded read(ByteBuf in, WireVersion version) throws OfException {
        int table = in.readUnsignedByte();
        in.skipBytes(3);
        int config = in.readInt();
        if (version.hasProperties()) {
            return new Decoded(table, readOverflow(in, config));
        }
        if (in.isReadable()) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "bytes behind a table_mod");
        }
        return new Decoded(table, version.isAtLeast(WireVersion.OF13) ? null : new TableMod.Misses(miss(config)));
    }

    /** Thresholds that are not given are 0, as in Open vSwitch. */
    private static TableMod.Overflow readOverflow(ByteBuf in, int config) throws OfException {
        int down = 0;
        int up = 0;
        while (in.isReadable()) {
            Property property = Property.read(in);
            ByteBuf value = property.value();
            switch (property.type()) {
                case EVICTION -> {
                    if (property.value32() != EVICTION_FLAGS) {
                        throw new OfException(OfErrorCode.OFPTMFC_BAD_CONFIG, "other eviction flags");
                    }
                }
                case VACANCY -> {
                    if (value.readableBytes() != VACANCY_BYTES) {
                        throw new OfException(OfErrorCode.OFPBPC_BAD_LEN, "vacancy");
                    }
                    down = value.readUnsignedByte();
                    up = value.readUnsignedByte();
                    if (down > up || up > MAX_PERCENT || value.readByte() != 0) {
                        throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "vacancy from " + down + " to " + up);
                    }
                }
                default -> throw new OfException(OfErrorCode.OFPBPC_BAD_TYPE, "property " + property.type());
            }
        }
        if ((config & ~(MISS_MASK | CONFIG_EVICTION | CONFIG_VACANCY)) != 0) {
            throw new OfException(OfErrorCode.OFPTMFC_BAD_CONFIG, "config 0x" + Integer.toHexString(config));
        }
        return new TableMod.Overflow((config & CONFIG_EVICTION) != 0, (config & CONFIG_VACANCY) != 0, down, up);
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
    public static void writeDescription(ByteBuf out, TableDescription table) {
        write(out, table, table.hasVacancyEvents());
    }

    /** The content of OFPT_TABLE_STATUS. */
    public static void writeStatus(ByteBuf out, TableDescription table, TableStatusReason reason) {
        out.writeByte(reason.number()).writeZero(7);
        write(out, table, true);
    }

    private static void write(ByteBuf out, TableDescription table, boolean withVacancy) {
        int start = out.writerIndex();
        int config = (table.evicts() ? CONFIG_EVICTION : 0) | (table.hasVacancyEvents() ? CONFIG_VACANCY : 0);
        out.writeShort(0).writeByte(table.tableId()).writeByte(0).writeInt(config);
        int property = Wire.startProperty(out, EVICTION);
        out.writeInt(EVICTION_FLAGS);
        Wire.endProperty(out, property);
        if (withVacancy) {
            property = Wire.startProperty(out, VACANCY);
            out.writeByte(table.vacancyDown())
                    .writeByte(table.vacancyUp())
                    .writeByte(table.vacancyPercent())
                    .writeByte(0);
            Wire.endProperty(out, property);
        }
        out.setShort(start, out.writerIndex() - start);
    }
}
