package io.turnstile.bpf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The argument of one call of bpf(2): a member of {@code union bpf_attr} (include/uapi/linux/bpf.h), filled in at
 * offsets that the caller names. What is not filled in is 0. A kernel that knows a shorter one takes it as long as what
 * it does not know is 0, and the other way round.
 *
 * <p>Memory that it points to stays reachable during the call. For one thread.
 */
final class Attribute implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment bytes;
    private final List<MemorySegment> pointedTo = new ArrayList<>();

    Attribute(long sizeBytes) {
        bytes = arena.allocate(sizeBytes, Long.BYTES);
    }

    Attribute u32(long offset, int value) {
        bytes.set(JAVA_INT, offset, value);
        return this;
    }

    Attribute u64(long offset, long value) {
        bytes.set(JAVA_LONG, offset, value);
        return this;
    }

    /** A pointer to memory outside the heap: the kernel cannot read what lies in it. */
    Attribute pointer(long offset, MemorySegment target) {
        pointedTo.add(target);
        return u64(offset, target.address());
    }

    /** A pointer to a copy of {@code data}. */
    Attribute copy(long offset, byte[] data) {
        MemorySegment copy = arena.allocate(Math.max(data.length, 1), Long.BYTES);
        MemorySegment.copy(data, 0, copy, JAVA_BYTE, 0, data.length);
        return pointer(offset, copy);
    }

    /** A pointer to new memory, all 0, which the kernel fills. */
    MemorySegment buffer(long offset, long sizeBytes) {
        MemorySegment buffer = arena.allocate(sizeBytes, Long.BYTES);
        pointer(offset, buffer);
        return buffer;
    }

    /** An object's name, in place. */
    Attribute name(long offset, String name) {
        byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(ascii, 0, bytes, JAVA_BYTE, offset, ascii.length);
        return this;
    }

    int u32(long offset) {
        return bytes.get(JAVA_INT, offset);
    }

    /** Asks the kernel; its answer, or a negated errno. */
    int call(Command command) {
        try {
            return SystemCalls.bpf(command.number(), bytes);
        } finally {
            Reference.reachabilityFence(pointedTo);
        }
    }

    /** Asks the kernel, and throws if it does not do what was asked. */
    int require(Command command, String whom) throws BpfException {
        return BpfException.check(call(command), command.asking(whom));
    }

    @Override
    public void close() {
        arena.close();
    }
}
