package io.turnstile.offload.provider.ebpf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/** Runs something on the CPU that it begins on, as the kernel does with the two programs. */
final class PinnedThread {
    private static final int MASK_BYTES = 128;

    private PinnedThread() {}

    static <T> T call(Callable<T> what) throws Exception {
        FutureTask<T> task = new FutureTask<>(() -> {
            pin();
            return what.call();
        });
        new Thread(task, "pinned").start();
        return task.get();
    }

    private static void pin() throws Exception {
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            int cpu = (int) linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("sched_getcpu"), FunctionDescriptor.of(JAVA_INT))
                    .invokeExact();
            MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
            mask.setAtIndex(JAVA_LONG, cpu / Long.SIZE, 1L << cpu % Long.SIZE);
            int result = (int) linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("sched_setaffinity"),
                            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS))
                    .invokeExact(0, (long) MASK_BYTES, mask);
            if (result != 0) {
                throw new IllegalStateException("sched_setaffinity failed");
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
