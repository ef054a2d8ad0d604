package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The cache against a list that is searched from end to end. */
class FlowCacheTest {
    @Test
    void findsWhatALinearSearchFinds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        FlowCache cache = new FlowCache();
        List<DatapathFlow> all = new ArrayList<>();
        long[][] masks = new long[6][];
        for (int i = 0; i < masks.length; i++) {
            masks[i] = FlowKey.newKey();
            for (int word = 0; word < 4; word++) {
                masks[i][word] = random.nextLong() & 0x3;
            }
        }
        for (int step = 0; step < 20_000; step++) {
            String what = "seed " + seed + " step " + step;
            long[] key = FlowKey.newKey();
            for (int word = 0; word < 4; word++) {
                key[word] = random.nextInt(4);
            }
            Set<DatapathFlow> matching = new HashSet<>();
            all.stream().filter(flow -> flow.matches(key)).forEach(matching::add);
            DatapathFlow found = cache.find(key);
            assertThat(found == null ? matching.isEmpty() : matching.contains(found)).as(what).isTrue();
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    DatapathFlow flow = new DatapathFlow(key, masks[random.nextInt(masks.length)], new DatapathAction[0], null, 0);
                    DatapathFlow there = cache.install(flow, key);
                    boolean twin = all.stream().anyMatch(other -> other.sameMatch(key, flow.mask()));
                    assertThat(there != flow).as(what).isEqualTo(twin);
                    if (there == flow) {
                        all.add(flow);
                    }
                }
                case 2 -> {
                    List<DatapathFlow> told = new ArrayList<>();
                    int residue = random.nextInt(40);
                    cache.remove(flow -> all.indexOf(flow) % 40 == residue, told::add);
                    assertThat(told).as(what).allMatch(DatapathFlow::isDead);
                    all.removeAll(told);
                }
                case 3 -> cache.sortByHits();
                default -> { }
            }
            assertThat(cache.size()).as(what).isEqualTo(all.size());
        }
        assertThat(cache.flows()).containsExactlyInAnyOrderElementsOf(all);
        cache.removeAll(List.copyOf(all), flow -> { });
        assertThat(cache.size()).isZero();
        assertThat(cache.maskCount()).isZero();
    }
}
