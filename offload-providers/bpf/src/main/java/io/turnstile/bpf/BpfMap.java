package io.turnstile.bpf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A map in the kernel, shared with programs. It goes when it is closed and no program uses it any more.
 *
 * <p>Keys and values are memory outside the heap, of exactly the sizes that {@link MapDefinition} says
 * ({@link MapDefinition#entryBytes} for a value); several of them stand one behind the other.
 *
 * <p>Threads: any, at the same time; each operation on one entry is whole for programs and for other threads, except
 * that a value of an array or one that is changed in place may be read half changed. Close it when nobody is inside a
 * call any more.
 */
public final class BpfMap implements AutoCloseable {
    // union bpf_attr for BPF_MAP_CREATE
    private static final int CREATE_BYTES = 48;
    private static final int MAP_TYPE_OFFSET = 0;
    private static final int KEY_SIZE_OFFSET = 4;
    private static final int VALUE_SIZE_OFFSET = 8;
    private static final int MAX_ENTRIES_OFFSET = 12;
    private static final int MAP_FLAGS_OFFSET = 16;
    private static final int MAP_NAME_OFFSET = 28;
    // for BPF_MAP_*_ELEM
    private static final int ELEMENT_BYTES = 32;
    private static final int MAP_FD_OFFSET = 0;
    private static final int KEY_OFFSET = 8;
    private static final int VALUE_OFFSET = 16;
    private static final int FLAGS_OFFSET = 24;
    private static final int INFO_WORDS = 6;

    private final MapDefinition definition;
    private final Descriptor descriptor;

    private BpfMap(MapDefinition definition, Descriptor descriptor) {
        this.definition = definition;
        this.descriptor = descriptor;
    }

    public static BpfMap create(MapDefinition definition) throws BpfException {
        try (Attribute attribute = new Attribute(CREATE_BYTES)) {
            int fd = attribute
                    .u32(MAP_TYPE_OFFSET, definition.type().number())
                    .u32(KEY_SIZE_OFFSET, definition.keyBytes())
                    .u32(VALUE_SIZE_OFFSET, definition.valueBytes())
                    .u32(MAX_ENTRIES_OFFSET, definition.maxEntries())
                    .u32(MAP_FLAGS_OFFSET, definition.flagBits())
                    .name(MAP_NAME_OFFSET, definition.name())
                    .require(Command.MAP_CREATE, definition.name());
            return new BpfMap(definition, new Descriptor(definition.name(), fd));
        }
    }

    public MapDefinition definition() {
        return definition;
    }

    /** The descriptor, for {@code Assembler.loadMap}. */
    public int fd() {
        return descriptor.fd();
    }

    /** Copies what stands under {@code key} into {@code value}; false if nothing does. */
    public boolean lookup(MemorySegment key, MemorySegment value) throws BpfException {
        try (Attribute attribute = new Attribute(ELEMENT_BYTES)) {
            element(attribute, key).pointer(VALUE_OFFSET, requireValues(value, 1));
            return found(attribute, Command.MAP_LOOKUP_ELEM);
        }
    }

    public void update(MemorySegment key, MemorySegment value, UpdateMode mode) throws BpfException {
        try (Attribute attribute = new Attribute(ELEMENT_BYTES)) {
            element(attribute, key)
                    .pointer(VALUE_OFFSET, requireValues(value, 1))
                    .u64(FLAGS_OFFSET, mode.flags())
                    .require(Command.MAP_UPDATE_ELEM, definition.name());
        }
    }

    /** Removes an entry; false if there is none. */
    public boolean delete(MemorySegment key) throws BpfException {
        try (Attribute attribute = new Attribute(ELEMENT_BYTES)) {
            element(attribute, key);
            return found(attribute, Command.MAP_DELETE_ELEM);
        }
    }

    private Attribute element(Attribute attribute, MemorySegment key) {
        return attribute.u32(MAP_FD_OFFSET, fd()).pointer(KEY_OFFSET, requireKeys(key, 1));
    }

    private boolean found(Attribute attribute, Command command) throws BpfException {
        int result = attribute.call(command);
        if (result == -Errno.ENOENT.number()) {
            return false;
        }
        BpfException.check(result, command.asking(definition.name()));
        return true;
    }

    /**
     * Puts {@code length} entries in by one system call, new ones and such as are there alike: the kernel knows no
     * other mode here. Stops at the first that does not go in.
     */
    public BatchResult updateBatch(MemorySegment keys, MemorySegment values, int length) {
        try (BatchCall batch = new BatchCall(this, requireKeys(keys, length), length)) {
            return batch.values(requireValues(values, length)).run(Command.MAP_UPDATE_BATCH);
        }
    }

    /**
     * Removes {@code length} entries by one system call; stops at the first that is not there ({@link Errno#ENOENT}),
     * which a map of a kind that drops entries makes likely: go on behind it.
     */
    public BatchResult deleteBatch(MemorySegment keys, int length) {
        try (BatchCall batch = new BatchCall(this, requireKeys(keys, length), length)) {
            return batch.run(Command.MAP_DELETE_BATCH);
        }
    }

    /** A walk over all entries, many by each system call. */
    public MapCursor cursor() {
        return new MapCursor(this, Command.MAP_LOOKUP_BATCH);
    }

    /** A walk over all entries that takes them out as it hands them out; hashes alone. */
    public MapCursor takingCursor() {
        return new MapCursor(this, Command.MAP_LOOKUP_AND_DELETE_BATCH);
    }

    /**
     * An array's values as memory of this process: value {@code i} is at {@code i * definition().valueStrideBytes()}.
     * Needs {@link MapFlag#MMAPABLE}.
     *
     * @param arena until when; the map itself may be closed before
     */
    public MemorySegment mapped(Arena arena) throws BpfException {
        long sizeBytes = definition.valueStrideBytes() * definition.maxEntries();
        long address = SystemCalls.mapShared(fd(), sizeBytes);
        if (address < 0) {
            throw BpfException.of("mapping map " + definition.name() + " into memory", (int) address);
        }
        return MemorySegment.ofAddress(address)
                .reinterpret(sizeBytes, arena, mapped -> SystemCalls.unmap(mapped.address(), sizeBytes));
    }

    public MapInfo info() throws BpfException {
        int[] words = ObjectInfo.words(fd(), "map " + definition.name(), INFO_WORDS);
        return new MapInfo(words[0], words[1], words[2], words[3], words[4], words[5]);
    }

    /**
     * How many bytes of the kernel's memory it takes now, as the kernel counts them ({@code memlock} in
     * /proc/self/fdinfo).
     */
    public long kernelMemoryBytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd())).stream()
                    .filter(line -> line.startsWith("memlock:"))
                    .mapToLong(line ->
                            Long.parseLong(line.substring("memlock:".length()).strip()))
                    .findFirst()
                    .orElseThrow(
                            () -> new IllegalStateException("the kernel does not say how much memory a map takes"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    MemorySegment requireKeys(MemorySegment keys, int length) {
        return require("keys", keys, (long) definition.keyBytes() * length);
    }

    MemorySegment requireValues(MemorySegment values, int length) {
        return require("values", values, definition.entryBytes() * length);
    }

    /** The kernel trusts that what it is pointed to is long enough, and cannot read the heap. */
    private MemorySegment require(String what, MemorySegment memory, long sizeBytes) {
        if (sizeBytes <= 0 || memory.byteSize() < sizeBytes) {
            throw new IllegalArgumentException(
                    "map %s: %s of %d bytes, not %d".formatted(definition.name(), what, sizeBytes, memory.byteSize()));
        }
        if (!memory.isNative()) {
            throw new IllegalArgumentException(
                    "map %s: %s have to lie outside the heap".formatted(definition.name(), what));
        }
        return memory;
    }

    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return "map " + definition.name();
    }
}
