package io.turnstile.ovsdb.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.ovsdb.data.DataRow;
import io.turnstile.ovsdb.data.DataSnapshot;
import io.turnstile.ovsdb.data.Datum;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import io.turnstile.ovsdb.schema.SchemaNotation;
import io.turnstile.ovsdb.schema.TableSchema;
import io.turnstile.ovsdb.server.ClientBudget.Held;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ClientBudgetTest {
    private static final long LIMIT = 1 << 20;
    private static final TableSchema QOS = SchemaNotation.openVswitch().table("QoS");

    private final List<Runnable> due = new ArrayList<>();
    private final Set<DataRow> current = new HashSet<>();
    private final ClientBudget budget = new ClientBudget(LIMIT, current::contains, due::add);
    private final List<String> cutOff = new ArrayList<>();

    private ClientBudget.Account client(String name, List<RowsHeld> rows) {
        return budget.open(() -> RowsHeld.sum(rows), reason -> cutOff.add(name + " " + reason));
    }

    private void runDue() {
        List<Runnable> now = List.copyOf(due);
        due.clear();
        now.forEach(Runnable::run);
    }

    private static DataRow row(int sizeBytes) {
        return DataRow.fresh(QOS, UUID.randomUUID())
                .with(Map.of(QOS.known("type").index(), Datum.of("x".repeat(sizeBytes))));
    }

    @Test
    void theGreediestGoesAndTheOthersStay() {
        ClientBudget.Account modest = client("modest", List.of());
        ClientBudget.Account greedy = client("greedy", List.of());
        modest.charge(Held.KEPT, LIMIT / 3);
        greedy.charge(Held.UNSENT, LIMIT / 2);
        runDue();
        assertThat(cutOff).isEmpty();
        modest.charge(Held.REQUEST, LIMIT / 10);
        greedy.charge(Held.REQUEST, LIMIT / 10);
        assertThat(cutOff).as("not in the middle of something").isEmpty();
        runDue();
        assertThat(cutOff)
                .containsExactly("greedy cut off: makes the server hold 0.6 MiB, all clients together 1.0 MiB, and 1.0 "
                        + "MiB is the limit");
        modest.charge(Held.REQUEST, 1);
        runDue();
        assertThat(cutOff).hasSize(1);
    }

    @Test
    void rowsThatAreInTheDatabaseAnywayAreNobodysBurden() {
        DataRow row = row(1_000_000);
        current.add(row);
        List<ClientBudget.Account> readers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            readers.add(client("reader", List.of(RowsHeld.of(List.of(row)))));
        }
        readers.getFirst().charge(Held.REQUEST, 1);
        runDue();
        assertThat(cutOff).isEmpty();
        assertThat(budget.heldBytes()).isLessThan(10_000);
    }

    @Test
    void rowsThatManyHoldCountOnce() {
        DataRow old = row(500_000);
        for (int i = 0; i < 10; i++) {
            client("slow", List.of(RowsHeld.of(List.of(old))));
        }
        budget.checkPrecisely();
        assertThat(cutOff).isEmpty();
        assertThat(budget.heldBytes()).isBetween(500_000L, 510_000L);
    }

    @Test
    void whatManyHoldIsGoneThroughOnceAndWhatIsInTheDatabaseNotAtAll() {
        int[] looks = {0};
        ClientBudget counting = new ClientBudget(
                LIMIT,
                row -> {
                    looks[0]++;
                    return current.contains(row);
                },
                due::add);
        DatabaseSchema schema = SchemaNotation.openVswitch();
        Map<UUID, DataRow> rows = new HashMap<>();
        for (int i = 0; i < 100; i++) {
            DataRow row = row(1000);
            rows.put(row.uuid(), row);
        }
        current.addAll(rows.values());
        DataSnapshot[] present = {DataSnapshot.of(schema, Map.of("QoS", rows))};
        DataSnapshot first = present[0];
        for (int i = 0; i < 50; i++) {
            counting.open(() -> RowsHeld.of(first, () -> present[0]), reason -> {});
        }
        assertThat(counting.heldBytes()).isZero();
        assertThat(looks[0]).isZero();
        DataRow queue = DataRow.fresh(schema.table("Queue"), UUID.randomUUID());
        present[0] = first.with(Map.of("Queue", Map.of(queue.uuid(), queue)));
        assertThat(counting.heldBytes()).isZero();
        assertThat(looks[0]).as("another table").isZero();
        DataRow old = rows.values().iterator().next();
        current.remove(old);
        DataRow changed = old.with(Map.of());
        current.add(changed);
        present[0] = first.with(Map.of("QoS", Map.of(old.uuid(), changed)));
        assertThat(counting.heldBytes())
                .as("the old row, and the old table")
                .isEqualTo(old.sizeBytes() + 100 * RowsHeld.TABLE_PLACE_BYTES);
        assertThat(looks[0]).as("once for all").isEqualTo(100);
    }

    @Test
    void versionsOfATableCostTheirPlacesThoughTheyShareTheirRows() {
        Map<UUID, DataRow> rows = new HashMap<>();
        for (int i = 0; i < 100; i++) {
            DataRow row = row(10);
            rows.put(row.uuid(), row);
        }
        current.addAll(rows.values());
        DataSnapshot[] present = {DataSnapshot.of(SchemaNotation.openVswitch(), Map.of("QoS", rows))};
        int fits = (int) (LIMIT / RowsHeld.TABLE_PLACE_BYTES / 100);
        for (int i = 0; i <= fits; i++) {
            DataSnapshot then = present[0];
            client("of version " + i, List.of(RowsHeld.of(then, () -> present[0])));
            budget.checkPrecisely();
            assertThat(cutOff).isEmpty();
            present[0] = then.with(Map.of("QoS", Map.of()));
        }
        budget.checkPrecisely();
        assertThat(cutOff).hasSize(1);
    }

    @Test
    void rowsThatEachHoldsAloneAreCountedFromWhenTheDatabaseHasThemNoMore() {
        List<DataRow> versions = List.of(row(400_000), row(400_000), row(450_000));
        current.addAll(versions);
        for (DataRow version : versions) {
            client("of " + version.sizeBytes() / 100_000, List.of(RowsHeld.of(List.of(version))));
        }
        budget.checkPrecisely();
        assertThat(cutOff).isEmpty();
        current.clear();
        budget.checkPrecisely();
        assertThat(cutOff).hasSize(1).first().asString().contains("0.4 MiB", "1.2 MiB");
    }

    @Test
    void anAccountThatIsClosedCountsNoMore() {
        ClientBudget.Account gone = client("gone", List.of());
        gone.charge(Held.KEPT, LIMIT);
        gone.close();
        client("new", List.of()).charge(Held.KEPT, LIMIT / 2);
        runDue();
        assertThat(cutOff).isEmpty();
    }
}
