package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The hash table that changes its size bucket by bucket, against a list. */
class HashChainsTest {
    private static final int MOST = 3_000;

    private static final class Item extends HashChains.Node {
        Item(long hash) {
            super(hash);
        }
    }

    private static boolean contains(HashChains<Item> chains, Item wanted) {
        for (Item item = chains.first(wanted.hash); item != null; item = chains.next(item)) {
            if (item == wanted) {
                return true;
            }
        }
        return false;
    }

    /** @param spread how many different hashes there are */
    @ParameterizedTest
    @ValueSource(ints = {3, 500, 1 << 30})
    void hasWhatWasLinkedAndNotWhatWasUnlinked(int spread) {
        Random random = new Random(spread);
        HashChains<Item> chains = new HashChains<>();
        List<Item> present = new ArrayList<>();
        Item gone = new Item(1);
        boolean growing = true;
        for (int turns = 0; turns < 4; ) {
            if (random.nextInt(4) > 0 == growing || present.isEmpty()) {
                Item item = new Item(random.nextInt(spread));
                chains.link(item);
                present.add(item);
            } else {
                gone = present.remove(random.nextInt(present.size()));
                chains.unlink(gone);
            }
            assertThat(chains.size()).isEqualTo(present.size());
            assertThat(contains(chains, gone)).isFalse();
            if (!present.isEmpty()) {
                assertThat(contains(chains, present.get(random.nextInt(present.size()))))
                        .isTrue();
            }
            if (present.size() == (growing ? MOST : 0)) {
                growing = !growing;
                turns++;
                assertThat(present).allMatch(item -> contains(chains, item));
            }
        }
    }
}
