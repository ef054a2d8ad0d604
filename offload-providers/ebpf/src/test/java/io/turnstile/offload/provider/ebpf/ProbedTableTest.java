package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProbedTableTest {
    private record Named(int name, long hash) {}

    private static final class Table extends ProbedTable<Named> {
        @Override
        long hash(Named value) {
            return value.hash;
        }

        Named find(Named like) {
            int place = first(like.hash);
            while (place != NONE && at(place).name != like.name) {
                place = next(place, like.hash);
            }
            return place == NONE ? null : at(place);
        }
    }

    /** @param hashes how many different ones there are: the fewer, the more stand behind one another */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 40, 1 << 30})
    void itFindsWhatAListWouldFind(int hashes) {
        Random random = new Random(hashes);
        Table table = new Table();
        List<Named> all = new ArrayList<>();
        List<Named> gone = new ArrayList<>();
        for (int step = 0; step < 3_000; step++) {
            if (all.isEmpty() || random.nextInt(100) < (step / 500 % 2 == 0 ? 70 : 30)) {
                // next to the end of any length, so that places wrap
                Named added = new Named(step, (long) -random.nextInt(hashes) << 32);
                table.add(added);
                all.add(added);
            } else {
                Named removed = all.remove(random.nextInt(all.size()));
                table.remove(removed);
                gone.add(removed);
            }
            if (step % 50 == 0) {
                assertThat(all).allSatisfy(each -> assertThat(table.find(each)).isSameAs(each));
                assertThat(gone).allSatisfy(each -> assertThat(table.find(each)).isNull());
            }
            assertThat(table.size()).isEqualTo(all.size());
        }
    }

    @Test
    void anotherOneThatIsEqualIsNotRemoved() {
        Table table = new Table();
        table.add(new Named(1, 7));
        table.remove(new Named(1, 7));
        assertThat(table.size()).isOne();
    }
}
