package io.turnstile.bench;

import java.util.concurrent.locks.LockSupport;

/** The longest time for which a thread that wants next to nothing was held up: by the machine, or by a collection. */
final class Hiccups extends Thread {
    private static final long PAUSE_NS = 200_000;

    private volatile boolean stopped;
    private volatile long longestNs;

    Hiccups() {
        super("hiccups");
        setDaemon(true);
    }

    @Override
    public void run() {
        while (!stopped) {
            long beforeNs = System.nanoTime();
            LockSupport.parkNanos(PAUSE_NS);
            longestNs = Math.max(longestNs, System.nanoTime() - beforeNs - PAUSE_NS);
        }
    }

    long endLongestNs() throws InterruptedException {
        stopped = true;
        join();
        return longestNs;
    }
}
