package io.turnstile.bench;

import com.sun.management.ThreadMXBean;
import io.turnstile.lab.Daemon;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;

/** What the kernel (proc(5)) and the Java machine say of this process. */
final class Memory {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Memory() {}

    /** How long the collection of garbage has held up this machine, ns. */
    static long collectingNs() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
                        .sum()
                * 1_000_000;
    }

    /** What the calling thread has allocated on the heap so far, bytes. */
    static long allocatedByThisThreadBytes() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }

    static long residentBytes() throws IOException {
        return Daemon.residentBytes(ProcessHandle.current().pid());
    }
}
