package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.Match;
import java.util.BitSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rules that differ in one field alone, wherever it stands in its word, are spread over a table's buckets. */
class KeyHashTest {
    private static final int RULES = 1 << 12;
    /** Of as many buckets; chance leaves 63 % of them in use. */
    private static final int FEWEST_BUCKETS = RULES * 2 / 5;

    @ParameterizedTest
    @EnumSource(names = {"NW_SRC", "NW_DST", "TP_SRC", "TP_DST", "CT_ZONE", "REG0", "REG1"})
    void oneFieldSpreadsRules(Field field) {
        BitSet used = new BitSet();
        for (int value = 0; value < RULES; value++) {
            Match match = Match.builder()
                    .exact(Field.ETH_TYPE, 0x0800)
                    .exact(Field.NW_PROTO, 6)
                    .exact(field, value)
                    .build();
            used.set((int) KeyHash.of(match) & RULES - 1);
        }
        assertThat(used.cardinality()).isGreaterThan(FEWEST_BUCKETS);
    }
}
