package io.turnstile.bpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntToLongFunction;

/** Keys and values for maps: memory outside the heap with one number after the other. */
final class Native {
    private Native() {}

    static MemorySegment ints(Arena arena, int... values) {
        return arena.allocateFrom(ValueLayout.JAVA_INT, values);
    }

    static MemorySegment longs(Arena arena, long... values) {
        return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
    }

    /** {@code length} numbers of 8 bytes, the one at {@code i} being {@code value.of(i)}. */
    static MemorySegment longs(Arena arena, int length, IntToLongFunction value) {
        MemorySegment memory = arena.allocate(ValueLayout.JAVA_LONG, length);
        for (int i = 0; i < length; i++) {
            memory.setAtIndex(ValueLayout.JAVA_LONG, i, value.applyAsLong(i));
        }
        return memory;
    }

    static long at(MemorySegment memory, long index) {
        return memory.getAtIndex(ValueLayout.JAVA_LONG, index);
    }

    static long sum(MemorySegment longs) {
        return longs.elements(ValueLayout.JAVA_LONG)
                .mapToLong(element -> element.get(ValueLayout.JAVA_LONG, 0))
                .sum();
    }
}
