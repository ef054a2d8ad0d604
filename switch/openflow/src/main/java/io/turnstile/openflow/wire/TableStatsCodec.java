package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.MatchField;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One table's statistics under OpenFlow 1.1 and 1.2, which say what the table can do besides; OpenFlowJ has no bitmaps
 * of fields and actions for that. All tables can do the same.
 */
public final class TableStatsCodec {
    private static final int NAME_BYTES = 32;
    /** OFPFMF_*: the fields of 1.1's match, but for those of MPLS. */
    private static final int FIELDS11 = 0xf8ff;

    private static final int MPLS11 = 1 << 8 | 1 << 9;
    /** goto_table, write_metadata, write_, apply_ and clear_actions, by their numbers. */
    private static final int INSTRUCTIONS = 0b111110;

    private static final int GOTO_TABLE = 1 << 1;
    /** Class OFPXMC_OPENFLOW_BASIC in {@link MatchField#oxm}. */
    private static final int BASIC_CLASS = 0x8000;
    /** OFPXMT_OFB_MPLS_TC; later versions have more. */
    private static final int LAST_OF_12 = 35;

    private TableStatsCodec() {}

    /**
     * Writes what 1.1 and 1.2 tell of a table.
     *
     * @param version 1.1 or 1.2
     */
    public static void write(ByteBuf out, TableStats table, int tableCount, WireVersion version) {
        int instructions = table.tableId() == tableCount - 1 ? INSTRUCTIONS & ~GOTO_TABLE : INSTRUCTIONS;
        int actions = ActionTable.standardBits(version);
        out.writeByte(table.tableId()).writeZero(7);
        writeName(out, table.name());
        if (version == WireVersion.OF11) {
            int fields = MatchField.named("mpls_label") == null ? FIELDS11 : FIELDS11 | MPLS11;
            out.writeInt(fields).writeInt(fields).writeInt(instructions);
            out.writeInt(actions).writeInt(actions);
        } else {
            long fields = fields12(field -> true);
            long written = fields12(MatchField::writable);
            out.writeLong(fields).writeLong(fields);
            out.writeInt(actions).writeInt(actions);
            out.writeLong(written).writeLong(written);
            out.writeLong(-1).writeLong(-1); // all bits of metadata
            out.writeInt(instructions);
        }
        out.writeInt(TableModCodec.code(table.miss()))
                .writeInt(table.maxEntries())
                .writeInt(table.activeCount());
        out.writeLong(table.lookupCount()).writeLong(table.matchedCount());
    }

    /** As many bytes as there is room for, and a zero. */
    static void writeName(ByteBuf out, @Nullable String name) {
        byte[] bytes = name == null ? new byte[0] : name.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, NAME_BYTES - 1);
        out.writeBytes(bytes, 0, length).writeZero(NAME_BYTES - length);
    }

    private static long fields12(Predicate<MatchField> which) {
        long bits = 0;
        for (MatchField field : MatchField.ALL) {
            int number = field.oxm() & 0x7f;
            if (field.oxm() >>> 7 == BASIC_CLASS && number <= LAST_OF_12 && which.test(field)) {
                bits |= 1L << number;
            }
        }
        return bits;
    }
}
