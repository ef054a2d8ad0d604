package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.TableStats;
import io.turnstile.pipeline.flow.MatchField;
import java.util.List;
import java.util.function.Predicate;

/**
 * One table's entry of OFPMP_TABLE_FEATURES (OpenFlow 1.3.5 §7.3.5.5). All tables can do the same; the fields are those
 * of {@link MatchField}, NXM ones included, which is why OpenFlowJ cannot write it.
 */
public final class TableFeaturesCodec {
    private static final int INSTRUCTIONS = 0;
    private static final int NEXT_TABLES = 2;
    private static final int WRITE_ACTIONS = 4;
    private static final int APPLY_ACTIONS = 6;
    private static final int MATCH = 8;
    private static final int WILDCARDS = 10;
    private static final int WRITE_SET_FIELD = 12;
    private static final int APPLY_SET_FIELD = 14;
    /** goto_table, write_metadata, write_, apply_ and clear_actions, meter. */
    private static final List<Integer> SUPPORTED_INSTRUCTIONS = List.of(1, 2, 3, 4, 5, 6);
    /** The same without goto_table: there is no table behind the last. */
    private static final List<Integer> LAST_TABLE_INSTRUCTIONS = List.of(2, 3, 4, 5, 6);

    private TableFeaturesCodec() {}

    public static void write(ByteBuf out, TableStats stats, int tableCount, WireVersion version) {
        int start = out.writerIndex();
        int table = stats.tableId();
        out.writeShort(0).writeByte(table).writeZero(5);
        TableStatsCodec.writeName(out, stats.name());
        out.writeLong(-1).writeLong(-1).writeInt(0).writeInt(stats.maxEntries());
        codes(out, INSTRUCTIONS, table == tableCount - 1 ? LAST_TABLE_INSTRUCTIONS : SUPPORTED_INSTRUCTIONS);
        nextTables(out, table, tableCount);
        List<Integer> actions = ActionTable.standardTypes(version);
        codes(out, WRITE_ACTIONS, actions);
        codes(out, APPLY_ACTIONS, actions);
        fields(out, MATCH, field -> true, version);
        fields(out, WILDCARDS, field -> true, version);
        fields(out, WRITE_SET_FIELD, MatchField::writable, version);
        fields(out, APPLY_SET_FIELD, MatchField::writable, version);
        out.setShort(start, out.writerIndex() - start);
    }

    private static void codes(ByteBuf out, int property, List<Integer> codes) {
        int start = Wire.startProperty(out, property);
        codes.forEach(code -> out.writeShort(code).writeShort(4));
        Wire.endProperty(out, start);
    }

    private static void nextTables(ByteBuf out, int table, int tableCount) {
        int start = Wire.startProperty(out, NEXT_TABLES);
        for (int next = table + 1; next < tableCount; next++) {
            out.writeByte(next);
        }
        Wire.endProperty(out, start);
    }

    private static void fields(ByteBuf out, int property, Predicate<MatchField> which, WireVersion version) {
        int start = Wire.startProperty(out, property);
        for (MatchField field : MatchField.ALL) {
            boolean coded =
                    field.oxm() >= 0 || field.nxm() >= 0 && !field.name().equals("in_port");
            if (coded && which.test(field)) {
                MatchCodec.writeHeader(out, field, property == MATCH && field.maskable(), version);
            }
        }
        Wire.endProperty(out, start);
    }
}
