package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.IpProtocols;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** How many connections may be expected, and what it costs to look for one. */
class ExpectationsTest {
    private static final int MANY = 8_000;
    private static final int TURNS = 3;
    /** How much more what was chosen to be slow may cost: a walk over all of them costs hundreds of times as much. */
    private static final long FACTOR = 20;

    private static Tuple tuple(long source, long destination, int port) {
        Tuple tuple = new Tuple();
        tuple.sourceLow = source;
        tuple.destinationLow = destination;
        tuple.destinationPort = port;
        tuple.kind = EntryLayout.kind(0, IpProtocols.TCP, 0, false);
        return tuple;
    }

    private static Expectation expectation(Tuple tuple, long parentId) {
        Expectation expectation = new Expectation();
        expectation.tuple.copyFrom(tuple);
        expectation.parentId = parentId;
        return expectation;
    }

    private static long ns(IntFunction<Tuple> tuples) {
        long least = Long.MAX_VALUE;
        for (int turn = 0; turn < TURNS; turn++) {
            Expectations expectations = new Expectations(new TupleHash());
            long begin = System.nanoTime();
            for (int i = 0; i < MANY; i++) {
                Tuple tuple = tuples.apply(i);
                expectations.add(expectation(tuple, i / Expectations.MOST_OF_PARENT));
                assertThat(expectations.find(tuple)).isNotNull();
            }
            least = Math.min(least, System.nanoTime() - begin);
        }
        return least;
    }

    /** Sums and products by known numbers are solved for tuples that are all the same; a secret key is not. */
    @Test
    void nobodyChoosesTuplesThatAreSlowToFind() {
        long usual = ns(i -> tuple(0x0a00_0001, 0xc000_0201L, 1 + i));
        long chosen = ns(i -> tuple(0x0a00_0001 + i, 0xc100_0000L - 31L * i, 21));
        assertThat(chosen).isLessThan(FACTOR * usual);
    }

    @Test
    void oneParentHasSoManyAndTheOldestGives() {
        Expectations expectations = new Expectations(new TupleHash());
        for (int port = 1; port <= 3 * Expectations.MOST_OF_PARENT; port++) {
            expectations.add(expectation(tuple(1, 2, port), 7));
        }
        assertThat(expectations.all()).hasSize(Expectations.MOST_OF_PARENT);
        assertThat(expectations.find(tuple(1, 2, 2 * Expectations.MOST_OF_PARENT)))
                .isNull();
        assertThat(expectations.find(tuple(1, 2, 2 * Expectations.MOST_OF_PARENT + 1)))
                .isNotNull();
        expectations.forget(7);
        assertThat(expectations.isEmpty()).isTrue();
    }

    @Test
    void allTogetherAreLimited() {
        Expectations expectations = new Expectations(new TupleHash());
        for (int i = 0; i < Expectations.MOST + 100; i++) {
            expectations.add(expectation(tuple(1, 2 + (i >> 8), 1 + (i & 0xff)), 1 + i / 32));
        }
        assertThat(expectations.all()).hasSize(Expectations.MOST);
        assertThat(expectations.refused()).isEqualTo(100);
        expectations.forget(1);
        expectations.add(expectation(tuple(3, 3, 3), 9_999));
        assertThat(expectations.find(tuple(3, 3, 3))).isNotNull();
        assertThat(expectations.all()).hasSize(Expectations.MOST - 31);
    }

    /** Nobody knows the source port before: whatever it is, the connection is the one that was announced. */
    @Test
    void theSourcePortDoesNotCount() {
        Expectations expectations = new Expectations(new TupleHash());
        expectations.add(expectation(tuple(1, 2, 3), 7));
        Tuple first = tuple(1, 2, 3);
        first.sourcePort = 40_000;
        assertThat(expectations.find(first)).isNotNull();
    }
}
