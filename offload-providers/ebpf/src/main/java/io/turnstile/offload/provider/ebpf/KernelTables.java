package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BatchResult;
import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfMap;
import io.turnstile.bpf.Errno;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.MapDefinition;
import io.turnstile.bpf.MapFlag;
import io.turnstile.bpf.MapType;
import io.turnstile.bpf.PossibleCpus;
import io.turnstile.bpf.ProgramFlag;
import io.turnstile.bpf.ProgramType;
import io.turnstile.offload.spi.Path;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What of this provider is in the kernel: the paths by their keys, a counter for each, a slot for each CPU, and the two
 * programs that use them. All of it hangs on descriptors of this process.
 *
 * <p>What the programs have found of a path they may use for a moment after it was removed. Whoever removes paths waits
 * in {@link #awaitUnused} before a counter, or the kernel's memory of an entry, is used for another path.
 *
 * <p>Threads: one at a time, which its owner's lock sees to; what {@link #statistic} reads anybody may.
 */
final class KernelTables implements AutoCloseable {
    /** How many paths go in or out by one system call. */
    static final int BATCH = 256;

    private static final String LICENSE = "Apache-2.0";
    /** The kernel fills its store of free entries in an interrupt, which follows at once: it only has to be let in. */
    private static final int MEMORY_ATTEMPTS = 20;
    /** A frame is decided about and carried within microseconds; a CPU may be taken away from a virtual machine. */
    private static final long PATIENCE_NS = 5_000_000;

    private static final int SPINS = 1_000;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG;
    private static final VarHandle STATE = ValueLayout.JAVA_LONG.varHandle();

    private final Arena arena = Arena.ofShared();
    private final Settling settling;
    private final BpfMap paths;
    private final BpfMap counterMap;
    private final BpfMap slotMap;
    private final LoadedProgram deciding;
    private final LoadedProgram carrying;
    /** Loaded once a port wants it. */
    private @Nullable LoadedProgram xdp;

    private final MemorySegment counters;
    private final MemorySegment slots;
    private final int cpus;
    /** States that stay as they are until the CPU's next frame: what they are about went elsewhere. */
    private final long[] abandoned;

    private final MemorySegment keys;
    private final MemorySegment values;
    private final long emptyBytes;

    private KernelTables(
            Settling settling,
            BpfMap paths,
            BpfMap counterMap,
            BpfMap slotMap,
            LoadedProgram deciding,
            LoadedProgram carrying)
            throws BpfException {
        this.settling = settling;
        this.paths = paths;
        this.counterMap = counterMap;
        this.slotMap = slotMap;
        this.deciding = deciding;
        this.carrying = carrying;
        cpus = slotMap.definition().maxEntries();
        abandoned = new long[cpus];
        counters = counterMap.mapped(arena);
        slots = slotMap.mapped(arena);
        keys = arena.allocate((long) PathKey.SIZE_BYTES * BATCH, Long.BYTES);
        values = arena.allocate((long) PathValue.SIZE_BYTES * BATCH, Long.BYTES);
        emptyBytes = paths.kernelMemoryBytes();
    }

    /** @param maxPaths how many paths there is room for */
    static KernelTables create(int maxPaths, Settling settling) throws BpfException {
        Parts parts = new Parts();
        try {
            BpfMap paths = parts.add(BpfMap.create(pathMap(maxPaths)));
            BpfMap counters = parts.add(BpfMap.create(CounterValue.map(maxPaths)));
            BpfMap slots = parts.add(BpfMap.create(Slot.map(PossibleCpus.numbers())));
            LoadedProgram deciding = parts.add(LoadedProgram.load(
                    ProgramType.SOCKET_FILTER,
                    "ts_decide",
                    LICENSE,
                    DecidingProgram.assemble(slots.fd(), paths.fd(), settling.pauseNs())));
            LoadedProgram carrying = parts.add(LoadedProgram.load(
                    ProgramType.TC, "ts_carry", LICENSE, CarryingProgram.assemble(slots.fd(), counters.fd())));
            return new KernelTables(settling, paths, counters, slots, deciding, carrying);
        } catch (BpfException | RuntimeException e) {
            parts.close();
            throw e;
        }
    }

    /**
     * Memory of an entry is taken when it comes: most switches carry some thousand connections and not the million that
     * there is room for.
     */
    private static MapDefinition pathMap(int maxPaths) {
        return MapDefinition.of("ts_paths", MapType.HASH, PathKey.SIZE_BYTES, PathValue.SIZE_BYTES, maxPaths)
                .with(MapFlag.NO_PREALLOC);
    }

    LoadedProgram deciding() {
        return deciding;
    }

    LoadedProgram carrying() {
        return carrying;
    }

    LoadedProgram xdp() throws BpfException {
        LoadedProgram present = xdp;
        if (present == null) {
            present = LoadedProgram.load(
                    ProgramType.XDP,
                    "ts_xdp",
                    LICENSE,
                    XdpProgram.assemble(slotMap.fd(), paths.fd(), counterMap.fd(), settling.pauseNs()),
                    ProgramFlag.XDP_HAS_FRAGS);
            xdp = present;
        }
        return present;
    }

    // --- paths
    // -----------------------------------------------------------------------------------------------------------

    /**
     * Begins a batch of puts anew at {@code index}: the path's counter starts at 0.
     *
     * @param xdpFlags of {@link Flag#XDP} and {@link Flag#XDP_FRAGMENTS} those that the path gets
     */
    void stagePut(int index, PathKey key, Path path, int counter, int xdpFlags) {
        stageKey(index, key);
        MemorySegment value = values.asSlice((long) index * PathValue.SIZE_BYTES, PathValue.SIZE_BYTES);
        PathValue.write(path, counter, value);
        value.set(U16, PathValue.FLAGS, (short) (value.get(U16, PathValue.FLAGS) | xdpFlags));
        if (!settling.isOff()) {
            long nowNs = System.nanoTime();
            value.set(U64, PathValue.STARTS_NS, nowNs + settling.pauseNs());
            value.set(ValueLayout.JAVA_INT, PathValue.STARTS_LATEST, (int)
                    (nowNs + settling.longestNs() >>> PathValue.LATEST_SHIFT));
        }
        counters.asSlice(counterOffset(counter), CounterValue.SIZE_BYTES).fill((byte) 0);
    }

    void stageKey(int index, PathKey key) {
        key.write(keys.asSlice((long) index * PathKey.SIZE_BYTES, PathKey.SIZE_BYTES));
    }

    /**
     * Puts in what is staged from index {@code from} to before {@code to}.
     *
     * @return how many of them, from the first on, went in, and why no more
     */
    BatchResult putStaged(int from, int to) {
        int done = from;
        for (int attempt = 0; ; attempt++) {
            BatchResult result = paths.updateBatch(
                    keys.asSlice((long) done * PathKey.SIZE_BYTES),
                    values.asSlice((long) done * PathValue.SIZE_BYTES),
                    to - done);
            done += result.done();
            BpfException failure = result.failure();
            if (failure == null || !failure.is(Errno.ENOMEM) || attempt >= MEMORY_ATTEMPTS) {
                return new BatchResult(done - from, failure);
            }
            Thread.yield();
        }
    }

    /** Takes the staged keys out; one that is not there is no error. */
    void deleteStaged(int length) throws BpfException {
        int done = 0;
        while (done < length) {
            BatchResult result = paths.deleteBatch(keys.asSlice((long) done * PathKey.SIZE_BYTES), length - done);
            done += result.done();
            BpfException failure = result.failure();
            if (failure != null) {
                if (!failure.is(Errno.ENOENT)) {
                    throw failure;
                }
                done++;
            }
        }
    }

    /**
     * Waits until no CPU carries a frame by a path that was removed before: microseconds.
     *
     * @param grace what waits for as long as any CPU may be inside a program, whatever the slots say: for a frame that
     *     was decided about and then never came to the carrying program, because somebody else's took it
     */
    void awaitUnused(GracePeriod grace) {
        VarHandle.fullFence();
        long beganNs = System.nanoTime();
        long[] before = new long[cpus];
        Arrays.setAll(before, this::state);
        for (int cpu = 0; cpu < cpus; cpu++) {
            long state = before[cpu];
            for (int spin = 0; isBusy(state) && state(cpu) == state && state != abandoned[cpu]; spin++) {
                if (spin < SPINS) {
                    Thread.onSpinWait();
                } else if (System.nanoTime() - beganNs < PATIENCE_NS) {
                    Thread.yield();
                } else {
                    grace.await();
                    for (int each = cpu; each < cpus; each++) {
                        abandoned[each] = before[each];
                    }
                    return;
                }
            }
        }
    }

    /** Waits until each program that runs now, on whichever CPU, has ended. */
    @FunctionalInterface
    interface GracePeriod {
        void await();
    }

    private static boolean isBusy(long state) {
        return (state & 1) != 0;
    }

    private long state(int cpu) {
        return (long) STATE.getAcquire(slots, slotOffset(cpu) + Slot.STATE);
    }

    // --- counters
    // --------------------------------------------------------------------------------------------------------

    long packets(int counter) {
        return counters.get(U64, counterOffset(counter) + CounterValue.PACKETS);
    }

    long bytes(int counter) {
        return counters.get(U64, counterOffset(counter) + CounterValue.BYTES);
    }

    /** On the scale of {@code System.nanoTime}; 0: never. */
    long lastUseNs(int counter) {
        return counters.get(U64, counterOffset(counter) + CounterValue.LAST_USE_NS);
    }

    /** A number that each slot has, over all CPUs. */
    long statistic(int offset) {
        long sum = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
            sum += slots.get(U64, slotOffset(cpu) + offset);
        }
        return sum;
    }

    private long counterOffset(int counter) {
        return (long) counter * counterMap.definition().valueStrideBytes();
    }

    private long slotOffset(int cpu) {
        return (long) cpu * slotMap.definition().valueStrideBytes();
    }

    // --- what it costs
    // ----------------------------------------------------------------------------------------------------

    /** The kernel's memory for maps, however many paths there are. */
    long fixedBytes() {
        return emptyBytes + counterMap.kernelMemoryBytes() + slotMap.kernelMemoryBytes();
    }

    /** The kernel's memory that paths take now, as the kernel counts it. */
    long pathBytes() {
        return paths.kernelMemoryBytes() - emptyBytes;
    }

    @Override
    public void close() {
        Parts parts = new Parts();
        List.of(paths, counterMap, slotMap, deciding, carrying).forEach(parts::add);
        if (xdp != null) {
            parts.add(xdp);
        }
        parts.close();
        arena.close();
    }

    /** What has been made so far. */
    private static final class Parts {
        private final ArrayDeque<AutoCloseable> made = new ArrayDeque<>();

        <T extends AutoCloseable> T add(T part) {
            made.push(part);
            return part;
        }

        void close() {
            for (AutoCloseable part : made) {
                try {
                    part.close();
                } catch (Exception e) { // neither maps nor programs throw here
                    throw new IllegalStateException(e);
                }
            }
        }
    }
}
