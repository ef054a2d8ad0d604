package io.turnstile.bench;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** What the kernel says that threads of this process have used of a core. */
final class CpuTime {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final Path PROC = Path.of("/proc");
    private static final Path THIS_THREAD = PROC.resolve("thread-self");
    private static final String SCHEDULER = "schedstat";

    private CpuTime() {}

    /** Of the calling thread, ns. */
    static long ofThisThreadNs() {
        return THREADS.getCurrentThreadCpuTime();
    }

    /**
     * How long the calling thread has stood in line for a core, ns: what other programs cost it, and other threads of
     * this one if there are more of them than cores. 0 where the kernel does not say (no /proc/thread-self/schedstat).
     */
    static long waitedByThisThreadNs() {
        try {
            return Long.parseLong(
                    Files.readString(THIS_THREAD.resolve(SCHEDULER)).split(" ")[1]);
        } catch (IOException | RuntimeException e) {
            return 0;
        }
    }

    /** The calling thread's folder in /proc, which others can find it by. */
    static Path thisThread() throws IOException {
        return PROC.resolve(Files.readSymbolicLink(THIS_THREAD));
    }

    /** A thread's place in line for a core, for who looks often. */
    static final class Line implements Closeable {
        private final RandomAccessFile scheduler;
        private final byte[] text = new byte[64];

        /** The calling thread's. */
        Line() throws IOException {
            this(THIS_THREAD);
        }

        /** That of a living thread, named by its {@link #thisThread}. */
        Line(Path thread) throws IOException {
            scheduler = new RandomAccessFile(thread.resolve(SCHEDULER).toFile(), "r");
        }

        /** As {@link #waitedByThisThreadNs}; what a thread waits now counts once it is on a core again. */
        long waitedNs() throws IOException {
            scheduler.seek(0);
            int length = scheduler.read(text);
            int at = 0;
            while (at < length && text[at] != ' ') {
                at++;
            }
            long ns = 0;
            for (at++; at < length && text[at] != ' '; at++) {
                ns = ns * 10 + text[at] - '0';
            }
            return ns;
        }

        @Override
        public void close() throws IOException {
            scheduler.close();
        }
    }

    /**
     * A thread of another process.
     *
     * @param scheduler what the kernel says of it (schedstat of proc(5))
     */
    record Other(Path scheduler) {

        /** The process's first thread whose name starts so. */
        static Other named(long pid, String namePrefix) throws IOException {
            try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
                for (Path thread : threads) {
                    if (Files.readString(thread.resolve("comm")).startsWith(namePrefix)) {
                        return new Other(thread.resolve("schedstat"));
                    }
                }
            }
            throw new IOException("no thread " + namePrefix + " in process " + pid);
        }

        /** What it has used of a core, ns. */
        long usedNs() throws IOException {
            return number(0);
        }

        /** How long it has stood in line for a core, ns. */
        long waitedNs() throws IOException {
            return number(1);
        }

        private long number(int index) throws IOException {
            return Long.parseLong(Files.readString(scheduler).split(" ")[index]);
        }
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

    /** What living threads have used since a look at all of them, by name, ns. */
    static Map<String, Long> byNameSinceNs(Map<Long, Long> before) {
        Map<String, Long> usedNs = new HashMap<>();
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null) {
                long ns =
                        THREADS.getThreadCpuTime(thread.getThreadId()) - before.getOrDefault(thread.getThreadId(), 0L);
                usedNs.merge(thread.getThreadName(), Math.max(0, ns), Long::sum);
            }
        }
        return usedNs;
    }

    /** What the threads of the second look have used since the first, ns. */
    static long usedNs(Map<Long, Long> before, Map<Long, Long> after) {
        return after.entrySet().stream()
                .mapToLong(thread -> thread.getValue() - before.getOrDefault(thread.getKey(), 0L))
                .sum();
    }
}
