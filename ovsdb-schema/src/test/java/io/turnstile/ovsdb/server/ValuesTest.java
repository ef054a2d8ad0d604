package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.ColumnSchema;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ValuesTest {
    private static final DatabaseSchema SCHEMA = DatabaseSchema.fromJson(Things.json(Things.SCHEMA));

    private static int nodes(JsonNode json) {
        int count = 1;
        for (JsonNode child : json) {
            count += nodes(child);
        }
        return count;
    }

    @Test
    void aLongValueSaysTheSameAsAShortOneAndIsNoTree() {
        ColumnSchema tags = SCHEMA.table("Thing").known("tags");
        ColumnSchema notes = SCHEMA.table("Thing").known("notes");
        for (int size : new int[] {0, 1, 2, Values.SHORT, Values.SHORT + 1, 10_000}) {
            List<String> atoms = new ArrayList<>();
            Map<String, String> pairs = new TreeMap<>();
            for (int i = 0; i < size; i++) {
                atoms.add("tag " + i);
                pairs.put("key " + i, "value " + i);
            }
            Datum set = Datum.ofSet(atoms);
            Datum map = Datum.ofMap(pairs);
            assertThat(LocalPeer.whole(Values.json(set, tags))).isEqualTo(set.toJson(tags));
            assertThat(LocalPeer.whole(Values.json(map, notes))).isEqualTo(map.toJson(notes));
            assertThat(nodes(Values.json(set, tags)) + nodes(Values.json(map, notes)))
                    .isLessThan(6 * Values.SHORT);
        }
    }
}
