package io.turnstile.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.HashMap;
import java.util.Map;

/** What the kernel says that threads of this process have used of a core. */
final class CpuTime {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private CpuTime() {
    }

    /** Of the calling thread, ns. */
    static long ofThisThreadNs() {
        return THREADS.getCurrentThreadCpuTime();
    }

    /** Of those living threads whose names start so: by thread id, ns. */
    static Map<Long, Long> ofThreadsNs(String namePrefix) {
        Map<Long, Long> usedNs = new HashMap<>();
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(namePrefix)) {
                long ns = THREADS.getThreadCpuTime(thread.getThreadId());
                usedNs.put(thread.getThreadId(), Math.max(0, ns)); // -1: it has ended meanwhile
            }
        }
        return usedNs;
    }

    /** What the threads of the second look have used since the first, ns. */
    static long usedNs(Map<Long, Long> before, Map<Long, Long> after) {
        return after.entrySet().stream()
                .mapToLong(thread -> thread.getValue() - before.getOrDefault(thread.getKey(), 0L)).sum();
    }
}
