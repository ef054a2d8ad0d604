package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows that differ in one field alone, wherever it stands in its word, are spread over a table's buckets. */
class FlowHashTest {
    private static final int BITS = 12;
    private static final int FLOWS = 1 << BITS;
    /** Of as many buckets; chance leaves 63 % of them in use. */
    private static final int FEWEST_BUCKETS = FLOWS * 2 / 5;

    static List<Field> fields() {
        return Stream.of(Field.values())
                .filter(field -> field.isOfDatapath() && field.widthBits() >= BITS)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("fields")
    void oneFieldSpreadsFlows(Field field) {
        assertThat(buckets(field, 0)).as("by its lowest bits").isGreaterThan(FEWEST_BUCKETS);
        int highest = Math.min(field.widthBits(), Long.SIZE) - BITS;
        assertThat(buckets(field, highest)).as("by its highest bits").isGreaterThan(FEWEST_BUCKETS);
    }

    private static int buckets(Field field, int shift) {
        long[] mask = FlowKey.newKey();
        Field.RECIRC_ID.setExact(mask);
        field.setExact(mask);
        Field.ETH_TYPE.setExact(mask);
        BitSet used = new BitSet();
        for (long value = 0; value < FLOWS; value++) {
            long[] key = FlowKey.newKey();
            field.set(key, value << shift);
            DatapathFlow flow = new DatapathFlow(key, mask, new DatapathAction[0], "nobody", 0);
            used.set((int) flow.maskedHash & FLOWS - 1);
        }
        return used.cardinality();
    }
}
