package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.turnstile.ovsdb.data.Atoms;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import java.util.stream.IntStream;

/** Columns' values as messages have them: RFC 7047's form, in which the atoms of a long one unfold. */
final class Values {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    /** A tree of so many atoms is small beside the message that it stands in. */
    static final int SHORT = 100;

    private Values() {}

    /** A column's value. */
    static JsonNode json(DataRow row, String column) {
        ColumnSchema schema = row.schema().column(column);
        return schema == null ? row.json(column) : json(row.datum(schema), schema); // _uuid and _version are no values.
    }

    static JsonNode json(Datum datum, ColumnSchema column) {
        if (datum.size() <= SHORT) {
            return datum.toJson(column);
        }
        boolean isMap = column.isMap();
        return NODES.arrayNode()
                .add(isMap ? "map" : "set")
                .add(Unfolding.array(IntStream.range(0, datum.size())
                        .mapToObj(i -> isMap ? pair(datum, i) : Atoms.toJson(datum.key(i)))
                        .iterator()));
    }

    private static JsonNode pair(Datum datum, int index) {
        return NODES.arrayNode().add(Atoms.toJson(datum.key(index))).add(Atoms.toJson(datum.value(index)));
    }
}
