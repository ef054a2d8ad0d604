package io.turnstile.bench;

import io.turnstile.lab.Daemon;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;

/** What the kernel (proc(5)) and the Java machine say of this process. */
final class Memory {
    private Memory() {}

    /** How long the collection of garbage has held up this machine, ns. */
    static long collectingNs() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                        .mapToLong(GarbageCollectorMXBean::getCollectionTime)
                        .sum()
                * 1_000_000;
    }

    static long residentBytes() throws IOException {
        return Daemon.residentBytes(ProcessHandle.current().pid());
    }
}
