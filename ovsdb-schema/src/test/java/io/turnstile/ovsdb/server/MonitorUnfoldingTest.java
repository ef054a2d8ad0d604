package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import io.turnstile.ovsdb.server.Monitor.RowChange;
import io.turnstile.ovsdb.server.Monitor.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An update that waits for its client is made of rows, and of nothing else yet. */
class MonitorUnfoldingTest {
    private static final DatabaseSchema SCHEMA = SchemaNotation.openVswitch();

    private static DataRow row(String table) {
        return DataRow.fresh(SCHEMA.table(table), UUID.randomUUID());
    }

    private static Monitor monitor(Version version) {
        return Monitor.parse(
                Things.json("{\"QoS\":{\"columns\":[\"type\"]},\"Queue\":{\"columns\":[\"dscp\"]}}"), SCHEMA, version);
    }

    private static Map<String, Map<UUID, RowChange>> changes(RowChange qos) {
        DataRow queue = row("Queue");
        return Map.of("QoS", Map.of(UUID.randomUUID(), qos), "Queue", Map.of(queue.uuid(), new RowChange(null, queue)));
    }

    /** What stands for the first row of a message's first table. */
    private static Unfolding firstRow(JsonNode message) {
        JsonNode table =
                ((Unfolding.Members) Unfolding.of(message)).members().next().getValue();
        return Unfolding.of(
                ((Unfolding.Members) Unfolding.of(table)).members().next().getValue());
    }

    @Test
    void noRowsTreeIsThereBeforeItsTurn() {
        DataRow before = row("QoS");
        DataRow after = before.with(Map.of(SCHEMA.table("QoS").known("type").index(), Datum.of("new")));
        for (Version version : Version.values()) {
            List<JsonNode> messages = new ArrayList<>();
            messages.add(monitor(version)
                    .initial(DataSnapshot.of(SCHEMA, Map.of("QoS", Map.of(before.uuid(), before)))));
            for (RowChange change :
                    List.of(new RowChange(null, after), new RowChange(before, null), new RowChange(before, after))) {
                messages.add(monitor(version).update(changes(change)));
            }
            assertThat(messages)
                    .as(version.toString())
                    .extracting(MonitorUnfoldingTest::firstRow)
                    .hasOnlyElementsOfType(Unfolding.Later.class);
        }
    }

    @Test
    void whatIsNotToldIsKnownWithoutMakingIt() {
        DataRow same = row("QoS");
        Monitor monitor = Monitor.parse(
                Things.json("{\"QoS\":{\"columns\":[\"type\"],\"select\":{\"insert\":false,\"delete\":false}}}"),
                SCHEMA,
                Version.COND);
        for (RowChange change : List.of(
                new RowChange(null, same), new RowChange(same, null), new RowChange(same, same.with(Map.of())))) {
            assertThat(monitor.update(changes(change))).isNull();
        }
    }

    @Test
    void anUpdateThatWaitsIsTheOneUnderTheConditionsOfItsTime() {
        Monitor monitor = monitor(Version.COND);
        JsonNode update = monitor.update(changes(new RowChange(null, row("QoS"))));
        monitor.changeConditions(
                Things.json("{\"QoS\":[{\"where\":[false]}],\"Queue\":[{\"where\":[false]}]}"),
                SCHEMA,
                DataSnapshot.empty(SCHEMA));
        assertThat(LocalPeer.whole(update).properties())
                .extracting(Map.Entry::getKey)
                .containsExactlyInAnyOrder("QoS", "Queue");
    }
}
