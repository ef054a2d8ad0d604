package io.turnstile.bpf;

import java.lang.foreign.MemorySegment;

/** One operation on many entries of a map ({@code struct batch} of {@code union bpf_attr}). */
final class BatchCall implements AutoCloseable {
    private static final int ATTRIBUTE_BYTES = 56;
    private static final int IN_BATCH_OFFSET = 0;
    private static final int OUT_BATCH_OFFSET = 8;
    private static final int KEYS_OFFSET = 16;
    private static final int VALUES_OFFSET = 24;
    private static final int COUNT_OFFSET = 32;
    private static final int MAP_FD_OFFSET = 36;

    private final BpfMap map;
    private final int length;
    private final Attribute attribute;
    private boolean walks;

    /** @param keys room for {@code length} keys */
    BatchCall(BpfMap map, MemorySegment keys, int length) {
        this.map = map;
        this.length = length;
        int fd = map.fd();
        attribute = new Attribute(ATTRIBUTE_BYTES)
                .pointer(KEYS_OFFSET, keys)
                .u32(COUNT_OFFSET, length)
                .u32(MAP_FD_OFFSET, fd);
    }

    BatchCall values(MemorySegment values) {
        attribute.pointer(VALUES_OFFSET, values);
        return this;
    }

    /** A walk that begins at the start, or where {@code position} says; it writes there where it stopped. */
    BatchCall walk(MemorySegment position, boolean fromStart) {
        walks = true;
        if (!fromStart) {
            attribute.pointer(IN_BATCH_OFFSET, position);
        }
        attribute.pointer(OUT_BATCH_OFFSET, position);
        return this;
    }

    BatchResult run(Command command) {
        int result = attribute.call(command);
        int count = attribute.u32(COUNT_OFFSET);
        if (result >= 0) {
            return new BatchResult(count, null);
        }
        return new BatchResult(
                done(result, count),
                BpfException.of(command.asking(map.definition().name()), result));
    }

    /**
     * What the count says after an error: how far the kernel came, but still what was asked for if it refused before it
     * began. Only at the end of a walk, which it calls ENOENT, may everything have been done.
     */
    private int done(int result, int count) {
        boolean untouched = count == length && !(walks && result == -Errno.ENOENT.number());
        return untouched || result == -Errno.EFAULT.number() ? 0 : count;
    }

    @Override
    public void close() {
        attribute.close();
    }
}
