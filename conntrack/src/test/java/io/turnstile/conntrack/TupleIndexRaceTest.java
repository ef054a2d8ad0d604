package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Tuples whose home are two neighbouring buckets of the index, the last and the first, far more than fit there: while
 * some come and go, those that stay are found by every search; once all are gone, no cell and no count is left.
 */
class TupleIndexRaceTest {
    private static final int CAPACITY = 100;
    private static final int RESIDENTS = 9;
    private static final int VISITORS_OF_ONE = 14;
    private static final int STEPS = 150;
    private static final long FIRST_BUCKET = 0;
    private static final long LAST_BUCKET = 0xffff_ffffL;

    private final EntryTable entries = new EntryTable(CAPACITY, false);
    private final TupleHash hash = new TupleHash();
    private final List<TupleKey> residents = new ArrayList<>();
    private final List<TupleKey> visitors = new ArrayList<>();
    private final Random random = new Random(7);
    private TupleIndex index;

    @BeforeEach
    void makeConnections() {
        for (int i = 0; i < RESIDENTS + 2 * VISITORS_OF_ONE; i++) {
            TupleKey key = tuple(i);
            key.slot = entries.take();
            long entry = entries.entry(key.slot);
            key.writeOriginalTo(entry, 0);
            EntryTable.unlock(entry, EntryTable.begin(entry));
            (i < RESIDENTS ? residents : visitors).add(key);
        }
    }

    /** The tuple's hash is made up: one of two homes, and an upper half that not even half of the tuples have alone. */
    private TupleKey tuple(int number) {
        TupleKey key = new TupleKey();
        key.sourceLow = 0x0a00_0000L + number;
        key.destinationLow = 0xc000_0201L;
        key.sourcePort = 1000 + number;
        key.destinationPort = 80;
        key.kind = EntryLayout.kind(0, 17, 0, false);
        hash.foldAndHash(key);
        key.hash = (long) (number % 5) << 32 | (number % 3 == 0 ? FIRST_BUCKET : LAST_BUCKET);
        return key;
    }

    @Test
    void whoStaysIsFoundWhileNeighboursComeAndGo() throws Exception {
        int rounds = Race.run(
                this::settle,
                this::clear,
                round -> comeAndGo(0, round),
                round -> comeAndGo(1, round),
                round -> search());
        assertThat(rounds).isPositive();
    }

    private void settle() {
        index = new TupleIndex(entries, CAPACITY, false);
        // Who comes late finds the buckets full and has to go on; visitors leave gaps before it afterwards.
        List<TupleKey> all = new ArrayList<>(residents);
        all.addAll(visitors);
        Collections.shuffle(all, random);
        all.forEach(key -> index.insert(key.hash, key.slot));
    }

    private void comeAndGo(int who, int round) {
        Random own = new Random(round * 2L + who);
        boolean[] present = new boolean[VISITORS_OF_ONE];
        IntStream.range(0, VISITORS_OF_ONE).forEach(i -> present[i] = true);
        for (int step = 0; step < STEPS; step++) {
            int which = own.nextInt(VISITORS_OF_ONE);
            TupleKey key = visitors.get(who * VISITORS_OF_ONE + which);
            if (present[which]) {
                assertThat(index.remove(key.hash, key.slot))
                        .as("visitor %d was there", which)
                        .isTrue();
            } else {
                index.insert(key.hash, key.slot);
            }
            present[which] ^= true;
        }
        for (int which = 0; which < VISITORS_OF_ONE; which++) {
            TupleKey key = visitors.get(who * VISITORS_OF_ONE + which);
            assertThat(index.remove(key.hash, key.slot)).isEqualTo(present[which]);
        }
    }

    private void search() {
        TupleKey wanted = new TupleKey();
        for (int step = 0; step < STEPS; step++) {
            TupleKey resident = residents.get(step % RESIDENTS);
            wanted.copyFrom(resident);
            boolean turned = step % 2 == 0;
            if (turned) {
                wanted.reverse();
            }
            hash.fold(wanted);
            wanted.hash = resident.hash;
            assertThat(index.findEvenExpired(wanted))
                    .as("resident %d", step % RESIDENTS)
                    .isTrue();
            assertThat(wanted.slot).isEqualTo(resident.slot);
            assertThat(wanted.reply).isEqualTo(turned);
        }
    }

    private void clear() {
        residents.forEach(key -> assertThat(index.findEvenExpired(key)).isTrue());
        visitors.forEach(key -> assertThat(index.findEvenExpired(key)).isFalse());
        residents.forEach(key -> assertThat(index.remove(key.hash, key.slot)).isTrue());
        int shown = 0;
        while (index.visit(
                shown, (bucket, connections) -> assertThat(connections).isZero())) {
            shown++;
        }
        assertThat(shown).isPositive();
        assertThat(index.displacement()).isZero();
    }
}
