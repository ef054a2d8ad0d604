package io.turnstile.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps of each kind in the kernel of this machine: one entry, many entries, and what goes wrong. */
@Tag("system")
class MapInKernelTest {
    private static final int MANY = 100_000;
    private static final int ROOM = 8_192;

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void free() {
        arena.close();
    }

    private static MapDefinition hash(MapType type, int maxEntries) {
        return MapDefinition.of("test", type, Long.BYTES, Long.BYTES, maxEntries);
    }

    private static MapDefinition array(MapType type, int maxEntries) {
        return MapDefinition.of("test", type, Integer.BYTES, Long.BYTES, maxEntries);
    }

    /** A value as the map takes it: {@code number} for each CPU that has one. */
    private MemorySegment values(MapDefinition definition, int length, long number) {
        return Native.longs(arena, Math.toIntExact(definition.entryBytes() / Long.BYTES * length), i -> number);
    }

    @ParameterizedTest
    @EnumSource(names = {"HASH", "PERCPU_HASH", "LRU_HASH", "LRU_PERCPU_HASH"})
    void aHashHasWhatWasPutIn(MapType type) throws BpfException {
        MapDefinition definition = hash(type, 10);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment key = Native.longs(arena, 7);
            MemorySegment read = values(definition, 1, 0);
            assertThat(map.lookup(key, read)).isFalse();

            map.update(key, values(definition, 1, 70), UpdateMode.NEW);
            assertThat(map.lookup(key, read)).isTrue();
            assertThat(Native.sum(read)).isEqualTo(70 * definition.entryBytes() / Long.BYTES);

            assertThat(map.delete(key)).isTrue();
            assertThat(map.lookup(key, read)).isFalse();
            assertThat(map.delete(key)).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ARRAY", "PERCPU_ARRAY"})
    void anArrayIsThereFromTheStart(MapType type) throws BpfException {
        MapDefinition definition = array(type, 10);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment read = values(definition, 1, -1);
            assertThat(map.lookup(Native.ints(arena, 9), read)).isTrue();
            assertThat(Native.sum(read)).isZero();

            map.update(Native.ints(arena, 9), values(definition, 1, 3), UpdateMode.ANY);
            map.lookup(Native.ints(arena, 9), read);
            assertThat(Native.at(read, 0)).isEqualTo(3);

            assertThat(map.lookup(Native.ints(arena, 10), read)).isFalse();
        }
    }

    @Test
    void anUpdateSaysWhetherTheEntryWasThere() throws BpfException {
        MapDefinition definition = hash(MapType.HASH, 10);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment key = Native.longs(arena, 1);
            MemorySegment value = Native.longs(arena, 2);
            assertThatThrownBy(() -> map.update(key, value, UpdateMode.PRESENT))
                    .isInstanceOfSatisfying(
                            BpfException.class,
                            e -> assertThat(e.is(Errno.ENOENT)).isTrue())
                    .hasMessage("putting an entry into map test: ENOENT (no such entry)");
            map.update(key, value, UpdateMode.ANY);
            assertThatThrownBy(() -> map.update(key, value, UpdateMode.NEW))
                    .isInstanceOfSatisfying(
                            BpfException.class,
                            e -> assertThat(e.is(Errno.EEXIST)).isTrue());
            map.update(key, value, UpdateMode.PRESENT);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"HASH", "PERCPU_HASH", "LRU_HASH", "LRU_PERCPU_HASH"})
    void manyEntriesComeAreReadAndGoInBulk(MapType type) throws BpfException {
        MapDefinition definition = hash(type, 2 * MANY);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment keys = Native.longs(arena, MANY, i -> i);
            BatchResult put = map.updateBatch(keys, values(definition, MANY, 5), MANY);
            assertThat(put).isEqualTo(new BatchResult(MANY, null));
            assertThat(put.isComplete()).isTrue();

            assertThat(keysSeen(definition, map.cursor(), 5).cardinality()).isEqualTo(MANY);

            assertThat(map.deleteBatch(keys, MANY / 2).done()).isEqualTo(MANY / 2);
            BitSet left = keysSeen(definition, map.cursor(), 5);
            assertThat(left.nextSetBit(0)).isEqualTo(MANY / 2);
            assertThat(left.cardinality()).isEqualTo(MANY / 2);

            assertThat(keysSeen(definition, map.takingCursor(), 5)).isEqualTo(left);
            assertThat(keysSeen(definition, map.cursor(), 5).isEmpty()).isTrue();
        }
    }

    /** The keys that a cursor hands out; each once, and each with the value wanted. */
    private BitSet keysSeen(MapDefinition definition, MapCursor cursor, long value) throws BpfException {
        MemorySegment keys = Native.longs(arena, ROOM, i -> -1);
        MemorySegment values = values(definition, ROOM, -1);
        long perEntry = definition.entryBytes() / Long.BYTES;
        BitSet seen = new BitSet();
        for (int length = cursor.next(keys, values, ROOM); length > 0; length = cursor.next(keys, values, ROOM)) {
            for (int i = 0; i < length; i++) {
                int key = (int) Native.at(keys, i);
                assertThat(seen.get(key)).isFalse();
                seen.set(key);
                assertThat(Native.at(values, i * perEntry)).isEqualTo(value);
            }
        }
        assertThat(cursor.next(keys, values, ROOM)).isZero();
        return seen;
    }

    @ParameterizedTest
    @EnumSource(names = {"ARRAY", "PERCPU_ARRAY"})
    void anArrayIsWrittenAndReadInBulk(MapType type) throws BpfException {
        MapDefinition definition = array(type, 1_000);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment keys = Native.ints(
                    arena, java.util.stream.IntStream.range(0, 1_000).toArray());
            assertThat(map.updateBatch(keys, values(definition, 1_000, 9), 1_000)
                            .done())
                    .isEqualTo(1_000);

            MapCursor cursor = map.cursor();
            MemorySegment read = values(definition, 600, 0);
            assertThat(cursor.next(Native.ints(arena, new int[600]), read, 600)).isEqualTo(600);
            assertThat(Native.sum(read)).isEqualTo(9 * 600 * definition.entryBytes() / Long.BYTES);
            assertThat(cursor.next(Native.ints(arena, new int[600]), read, 600)).isEqualTo(400);
            assertThat(cursor.next(Native.ints(arena, new int[600]), read, 600)).isZero();
        }
    }

    @Test
    void aFullMapSaysHowManyWentIn() throws BpfException {
        MapDefinition definition = hash(MapType.HASH, 1_000).with(MapFlag.NO_PREALLOC);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment keys = Native.longs(arena, 1_500, i -> i);

            BatchResult put = map.updateBatch(keys, values(definition, 1_500, 1), 1_500);

            assertThat(put.done()).isEqualTo(1_000);
            assertThat(put.isComplete()).isFalse();
            assertThat(put.failure().is(Errno.E2BIG)).isTrue();
            assertThat(put.failure())
                    .hasMessage("putting entries into map test: E2BIG (no room for more, or an argument too large)");
        }
    }

    @Test
    void aDeletionStopsAtWhatIsNotThereAndGoesOnBehindIt() throws BpfException {
        MapDefinition definition = hash(MapType.HASH, 10);
        try (BpfMap map = BpfMap.create(definition)) {
            map.updateBatch(Native.longs(arena, 1, 2, 4), Native.longs(arena, 0, 0, 0), 3);
            MemorySegment keys = Native.longs(arena, 1, 2, 3, 4);

            BatchResult first = map.deleteBatch(keys, 4);
            BatchResult rest = map.deleteBatch(keys.asSlice(3L * Long.BYTES), 1);

            assertThat(first.done()).isEqualTo(2);
            assertThat(first.failure().is(Errno.ENOENT)).isTrue();
            assertThat(rest.isComplete()).isTrue();
        }
    }

    @Test
    void aMapWithoutBulkSaysThatNothingWasDone() throws BpfException {
        try (BpfMap map = BpfMap.create(MapDefinition.of("test", MapType.DEVMAP_HASH, 4, 4, 8))) {
            BatchResult put = map.updateBatch(Native.ints(arena, 1, 2), Native.ints(arena, 1, 1), 2);

            assertThat(put.done()).isZero();
            assertThat(put.failure().is(Errno.ENOTSUPP)).isTrue();
        }
    }

    @Test
    void tooLittleRoomForABucketIsSaid() throws BpfException {
        MapDefinition definition = hash(MapType.HASH, MANY);
        try (BpfMap map = BpfMap.create(definition)) {
            map.updateBatch(Native.longs(arena, MANY, i -> i), values(definition, MANY, 1), MANY);
            MapCursor cursor = map.cursor();
            MemorySegment one = Native.longs(arena, 0);

            assertThatThrownBy(() -> {
                        while (cursor.next(one, one, 1) > 0) {}
                    })
                    .isInstanceOfSatisfying(
                            BpfException.class,
                            e -> assertThat(e.is(Errno.ENOSPC)).isTrue());
        }
    }

    @Test
    void anLruHashMakesRoom() throws BpfException {
        MapDefinition definition = hash(MapType.LRU_HASH, 1_000);
        try (BpfMap map = BpfMap.create(definition)) {
            MemorySegment keys = Native.longs(arena, MANY, i -> i);

            assertThat(map.updateBatch(keys, values(definition, MANY, 1), MANY).isComplete())
                    .isTrue();
            assertThat(keysSeen(definition, map.cursor(), 1).cardinality()).isBetween(1, 1_000);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"DEVMAP", "DEVMAP_HASH"})
    void aDevmapTakesDevicesThatExist(MapType type) throws BpfException {
        final int loopback = 1;
        try (BpfMap map = BpfMap.create(MapDefinition.of("test", type, 4, 4, 8))) {
            map.update(Native.ints(arena, 3), Native.ints(arena, loopback), UpdateMode.ANY);

            MemorySegment read = Native.ints(arena, 0);
            assertThat(map.lookup(Native.ints(arena, 3), read)).isTrue();
            assertThat(read.get(java.lang.foreign.ValueLayout.JAVA_INT, 0)).isEqualTo(loopback);
            assertThatThrownBy(() ->
                            map.update(Native.ints(arena, 4), Native.ints(arena, Integer.MAX_VALUE), UpdateMode.ANY))
                    .isInstanceOf(BpfException.class);
        }
    }

    @Test
    void anArrayCanBeMappedAndOutlivesItsDescriptorThere() throws BpfException {
        MapDefinition definition =
                MapDefinition.of("test", MapType.ARRAY, 4, 12, 1_000).with(MapFlag.MMAPABLE);
        try (Arena mapping = Arena.ofConfined()) {
            MemorySegment mapped;
            try (BpfMap map = BpfMap.create(definition)) {
                mapped = map.mapped(mapping);
                mapped.set(java.lang.foreign.ValueLayout.JAVA_INT, 999 * definition.valueStrideBytes(), 42);
                MemorySegment read = arena.allocate(12);
                map.lookup(Native.ints(arena, 999), read);
                assertThat(read.get(java.lang.foreign.ValueLayout.JAVA_INT, 0)).isEqualTo(42);
            }
            assertThat(mapped.byteSize()).isEqualTo(16_000);
            assertThat(mapped.get(java.lang.foreign.ValueLayout.JAVA_INT, 999 * 16))
                    .isEqualTo(42);
        }
    }

    @Test
    void aMapThatIsNotMadeForItCannotBeMapped() throws BpfException {
        try (BpfMap map = BpfMap.create(array(MapType.ARRAY, 1))) {
            assertThatThrownBy(() -> map.mapped(arena)).hasMessageStartingWith("mapping map test into memory: ");
        }
    }

    @Test
    void theKernelKnowsTheMapAsItWasDefined() throws BpfException {
        MapDefinition definition = hash(MapType.LRU_HASH, 12).with(MapFlag.NO_COMMON_LRU);
        try (BpfMap map = BpfMap.create(definition);
                BpfMap other = BpfMap.create(definition)) {
            MapInfo info = map.info();
            assertThat(info.type()).isEqualTo(9);
            assertThat(info.keyBytes()).isEqualTo(8);
            assertThat(info.valueBytes()).isEqualTo(8);
            assertThat(info.maxEntries()).isEqualTo(other.info().maxEntries()).isGreaterThanOrEqualTo(12);
            assertThat(info.flags()).isEqualTo(2);
            assertThat(info.id()).isNotEqualTo(other.info().id());
        }
    }

    @Test
    void memoryFollowsTheEntriesUnlessItIsTakenBeforehand() throws BpfException {
        MapDefinition lazy = hash(MapType.HASH, MANY).with(MapFlag.NO_PREALLOC);
        try (BpfMap map = BpfMap.create(lazy);
                BpfMap eager = BpfMap.create(hash(MapType.HASH, MANY))) {
            long before = map.kernelMemoryBytes();
            assertThat(before).isPositive().isLessThan(eager.kernelMemoryBytes());

            map.updateBatch(Native.longs(arena, MANY, i -> i), values(lazy, MANY, 1), MANY);

            assertThat(map.kernelMemoryBytes()).isGreaterThan(before + (long) MANY * 2 * Long.BYTES);
        }
    }

    @Test
    void whatTheKernelDoesNotTakeIsSaidWithTheMapsName() {
        assertThatThrownBy(() -> BpfMap.create(MapDefinition.of("odd_key", MapType.ARRAY, 8, 8, 1)))
                .hasMessage("creating map odd_key: EINVAL (invalid argument, or unknown to this kernel)");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7})
    void memoryThatIsTooShortNeverReachesTheKernel(int bytes) throws BpfException {
        try (BpfMap map = BpfMap.create(hash(MapType.HASH, 10))) {
            MemorySegment good = Native.longs(arena, 1);
            MemorySegment tooShort = arena.allocate(bytes);
            assertThatThrownBy(() -> map.lookup(tooShort, good)).hasMessage("map test: keys of 8 bytes, not " + bytes);
            assertThatThrownBy(() -> map.update(good, tooShort, UpdateMode.ANY))
                    .hasMessage("map test: values of 8 bytes, not " + bytes);
            assertThatThrownBy(() -> map.deleteBatch(good, 2)).hasMessage("map test: keys of 16 bytes, not 8");
            assertThatThrownBy(() -> map.cursor().next(good, tooShort, 1))
                    .hasMessage("map test: values of 8 bytes, not " + bytes);
        }
    }

    @Test
    void memoryOnTheHeapNeverReachesTheKernel() throws BpfException {
        try (BpfMap map = BpfMap.create(hash(MapType.HASH, 10))) {
            MemorySegment heap = MemorySegment.ofArray(new long[1]);
            assertThatThrownBy(() -> map.delete(heap)).hasMessage("map test: keys have to lie outside the heap");
        }
    }

    @Test
    void aClosedMapIsOfNoUse() throws BpfException {
        BpfMap map = BpfMap.create(hash(MapType.HASH, 10));
        map.close();
        map.close();

        assertThatThrownBy(map::info).isInstanceOf(IllegalStateException.class).hasMessage("test is closed");
    }
}
