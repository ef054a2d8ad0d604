package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tuple-space search against a list of flows that is looked through from the front. */
@Timeout(30)
class FlowCacheTest {
    private static final DatapathAction[] NOTHING = {};
    private static final int MASKS = 7;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final FlowCache cache = new FlowCache();
    private final long[][] masks = new long[MASKS][];

    FlowCacheTest() {
        for (int i = 0; i < MASKS; i++) {
            masks[i] = FlowKey.newKey();
            // Flows of different masks are kept apart by the port, as translations keep them apart by what they looked
            // at.
            Field.IN_PORT.setExact(masks[i]);
            for (int fields = random.nextInt(4); fields >= 0; fields--) {
                int word = random.nextInt(FlowKey.DATAPATH_WORDS);
                long half = random.nextLong();
                masks[i][word] |= half & random.nextLong();
            }
        }
    }

    /** Few distinct values, so that flows are met again. */
    private long[] randomKey() {
        long[] key = FlowKey.newKey();
        long value = random.nextInt(40) * 0x9e37_79b9_7f4a_7c15L;
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            key[i] = value;
        }
        Field.IN_PORT.set(key, random.nextInt(MASKS));
        return key;
    }

    private DatapathFlow flowFor(long[] key) {
        return new DatapathFlow(key, masks[(int) Field.IN_PORT.get(key)], NOTHING, null, 0);
    }

    private static boolean naivelyMatches(DatapathFlow flow, long[] key) {
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            if ((key[i] & flow.mask()[i]) != (flow.key()[i] & flow.mask()[i])) {
                return false;
            }
        }
        return true;
    }

    private void removeNamed(List<DatapathFlow> named, Consumer<DatapathFlow> removed) {
        cache.bury(cache.killNamed(() -> named), removed);
    }

    @Test
    void aKilledFlowIsNotFoundAndMakesRoomForItsLikeBeforeItIsBuried() {
        long[] key = randomKey();
        DatapathFlow first = cache.install(flowFor(key));
        List<DatapathFlow> killed = cache.killNamed(() -> List.of(first, first));
        assertThat(killed).containsExactly(first);
        assertThat(cache.find(key)).isNull();
        DatapathFlow second = cache.install(flowFor(key));
        assertThat(second).isNotSameAs(first);
        cache.remove(flow -> flow == first, _ -> {
            throw new AssertionError("it was killed by another");
        });
        List<DatapathFlow> buried = new ArrayList<>();
        cache.bury(killed, buried::add);
        assertThat(buried).containsExactly(first);
        assertThat(cache.find(key)).isSameAs(second);
        assertThat(cache.flows()).containsExactly(second);
        assertThat(cache.size()).isEqualTo(1);
    }

    @Test
    void findsWhatAListFinds() {
        List<DatapathFlow> list = new ArrayList<>();
        for (int turn = 0; turn < 20_000; turn++) {
            long[] key = randomKey();
            DatapathFlow expected = list.stream()
                    .filter(flow -> naivelyMatches(flow, key))
                    .findFirst()
                    .orElse(null);
            assertThat(cache.find(key)).as("seed " + seed + " turn " + turn).isSameAs(expected);
            switch (random.nextInt(40)) {
                case 0 -> {
                    int port = random.nextInt(MASKS);
                    cache.remove(flow -> Field.IN_PORT.get(flow.key()) == port, list::remove);
                }
                case 1 -> cache.sortByHits();
                case 2, 3, 4 -> removeNamed(expected == null ? List.of() : List.of(expected, expected), list::remove);
                default -> {
                    DatapathFlow flow = flowFor(key);
                    DatapathFlow there = cache.install(flow);
                    assertThat(there).isSameAs(expected == null ? flow : expected);
                    if (expected == null) {
                        list.add(flow);
                    }
                }
            }
            assertThat(cache.size()).isEqualTo(list.size());
        }
        assertThat(cache.flows()).containsExactlyInAnyOrderElementsOf(list);
        cache.remove(flow -> true, list::remove);
        assertThat(list).isEmpty();
        assertThat(cache.maskCount()).isZero();
    }

    @Test
    void manyFlowsOfOneMaskAreAllFound() {
        List<long[]> keys = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            long[] key = FlowKey.newKey();
            Field.NW_SRC.set(key, i);
            keys.add(key);
            long[] mask = FlowKey.newKey();
            Field.NW_SRC.setExact(mask);
            cache.install(new DatapathFlow(key, mask, NOTHING, i, 0));
        }
        for (int i = 0; i < keys.size(); i++) {
            assertThat(cache.find(keys.get(i)).owner()).isEqualTo(i);
        }
        assertThat(cache.maskCount()).isEqualTo(1);
    }

    /**
     * One thread installs and removes; another looks up: it may miss, but what it finds always matches and was live.
     */
    @Test
    void readersWithoutLockFindNothingWrong() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Random readersRandom = new Random(seed + 1);
        long[] permanent = randomKey();
        DatapathFlow stays = cache.install(flowFor(permanent));
        Thread reader = Thread.ofPlatform().start(() -> {
            try {
                long[] key = FlowKey.newKey();
                while (!stop.get()) {
                    long value = readersRandom.nextInt(40) * 0x9e37_79b9_7f4a_7c15L;
                    Arrays.fill(key, 0, FlowKey.DATAPATH_WORDS, value);
                    Field.IN_PORT.set(key, readersRandom.nextInt(MASKS));
                    DatapathFlow found = cache.find(key);
                    assertThat(found == null || naivelyMatches(found, key)).isTrue();
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        });
        for (int turn = 0; turn < 100_000 && failure.get() == null; turn++) {
            long[] key = randomKey();
            DatapathFlow there = cache.find(key);
            if (there == null) {
                cache.install(flowFor(key));
            } else if (there != stays) {
                removeNamed(List.of(there), _ -> {});
            }
        }
        stop.set(true);
        reader.join();
        assertThat(failure.get()).as("seed " + seed).isNull();
        assertThat(cache.find(permanent)).isSameAs(stays);
    }
}
