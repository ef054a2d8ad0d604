package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TupleClaimsTest {
    private final TupleClaims claims = new TupleClaims();

    @Test
    void aTupleIsOneSlotsUntilItEnds() {
        assertThat(claims.claim(1, 101, 7, 0, id -> {})).isEqualTo(TupleClaims.GRANTED);
        assertThat(claims.claim(1, 101, 7, 0, id -> {})).isEqualTo(TupleClaims.GRANTED);
        assertThat(claims.claim(2, 102, 7, 0, id -> {})).isEqualTo(1);
        assertThat(claims.end(1, 7, 0)).containsExactly(102L);
        assertThat(claims.claim(2, 102, 7, 0, id -> {})).isEqualTo(TupleClaims.GRANTED);
        assertThat(claims.end(2, 7, 0)).isEmpty();
    }

    @Test
    void ofTwoTuplesBothAreClaimedOrNeither() {
        claims.claim(1, 101, 8, 0, id -> {});
        assertThat(claims.claim(2, 102, 7, 8, id -> {})).isEqualTo(1);
        assertThat(claims.claim(3, 103, 7, 0, id -> {})).isEqualTo(TupleClaims.GRANTED);
        assertThat(claims.end(1, 8, 0)).containsExactly(102L);
    }

    @Test
    void endingWhatIsAnothersDoesNothing() {
        claims.claim(1, 101, 7, 0, id -> {});
        assertThat(claims.end(2, 7, 0)).isEmpty();
        assertThat(claims.claim(3, 103, 7, 0, id -> {})).isEqualTo(1);
    }

    @Test
    void anEndWithoutTuplesFindsThemAll() {
        claims.claim(1, 101, 7, 8L << 60, id -> {});
        claims.claim(2, 102, 9, 0, id -> {});
        claims.claim(3, 103, 7, 0, id -> {});
        assertThat(claims.end(1)).containsExactly(103L);
        assertThat(claims.claim(4, 104, 7, 8L << 60, id -> {})).isEqualTo(TupleClaims.GRANTED);
        assertThat(claims.claim(4, 104, 9, 0, id -> {})).isEqualTo(2);
    }

    @Test
    void itGrowsALittleAtATime() {
        Random random = new Random(6);
        int slot = 0;
        for (; slot < 50_000; slot++) {
            claims.claim(slot, slot, random.nextLong() | 1, 0, id -> {});
        }
        long places = claims.places();
        double mostAtOnce = 0;
        for (; slot < 200_000; slot++) {
            claims.claim(slot, slot, random.nextLong() | 1, 0, id -> {});
            if (slot % 1000 == 0) { // a fiftieth at first
                mostAtOnce = Math.max(mostAtOnce, claims.places() / (double) places - 1);
                places = claims.places();
            }
        }
        assertThat(mostAtOnce).as("part by which it grew at once").isLessThan(0.1);
        assertThat(places).isLessThan(4 * 200_000L);
    }

    /** Few places and many keys of one home: what moves must stay findable. */
    @Test
    void itIsAMapWhateverComesAndGoes() {
        Map<Long, Integer> naive = new HashMap<>();
        List<Long> keys = new ArrayList<>();
        Random random = new Random(5);
        for (int i = 0; i < 3000; i++) {
            keys.add((long) random.nextInt(16) << 60 | (long) random.nextInt(40) << 20 | random.nextInt(9) + 1);
        }
        for (int i = 0; i < 200_000; i++) {
            long key = keys.get(random.nextInt(keys.size()));
            int slot = random.nextInt(50);
            if (random.nextBoolean()) {
                Integer other = naive.putIfAbsent(key, slot);
                assertThat(claims.claim(slot, slot, key, 0, id -> {}))
                        .isEqualTo(other == null || other == slot ? TupleClaims.GRANTED : other);
            } else {
                claims.end(slot, key, 0);
                naive.remove(key, slot);
            }
        }
    }
}
