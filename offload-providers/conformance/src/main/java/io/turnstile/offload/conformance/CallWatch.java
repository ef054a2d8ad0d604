package io.turnstile.offload.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The watch runs a test on threads of its own and watches the calls that it makes to the provider: one that does not
 * return fails the test, and the thread in it is left behind (a daemon thread, which makes no further call should it
 * ever come back).
 *
 * <p>Whether a call is quick is measured on the clock given; whether it hangs is told by real time.
 */
final class CallWatch {
    private static final long POLL_MS = 10;

    private final LongSupplier nowNs;
    private final Duration hangLimit;
    private final Duration testLimit;
    private final Map<Thread, Call> underWay = new ConcurrentHashMap<>();
    private final Map<String, Long> slowestNs = new ConcurrentHashMap<>();
    private final Set<String> interrupting = ConcurrentHashMap.newKeySet();
    private volatile boolean abandoned;

    private record Call(String name, long startNs, Duration limit) {}

    CallWatch(LongSupplier nowNs, Duration hangLimit, Duration testLimit) {
        this.nowNs = nowNs;
        this.hangLimit = hangLimit;
        this.testLimit = testLimit;
    }

    /** Something that may throw anything. */
    interface Body {
        void run() throws Exception;
    }

    /** What one of several threads does. */
    interface IndexedBody {
        void run(int index) throws Exception;
    }

    /** Runs the body and comes back when it has, or when a call in it hangs, or when it takes too long. */
    void run(Body body) throws Exception {
        FutureTask<Void> task = start("conformance", body);
        long startNs = System.nanoTime();
        while (!isEnded(task)) {
            underWay.forEach(this::failIfHanging);
            if (System.nanoTime() - startNs > testLimit.toNanos()) {
                abandoned = true;
                throw new AssertionError(
                        "the test took longer than " + testLimit + ", under way: " + underWay.values());
            }
        }
    }

    /**
     * Does the same on several threads that begin together; comes back when all have, with the failure of the first.
     */
    void inParallel(int threads, IndexedBody body) throws Exception {
        List<FutureTask<Void>> tasks = new ArrayList<>();
        CyclicBarrier barrier = new CyclicBarrier(threads);
        for (int i = 0; i < threads; i++) {
            int index = i;
            tasks.add(start("conformance-" + i, () -> {
                barrier.await();
                body.run(index);
            }));
        }
        for (FutureTask<Void> task : tasks) {
            await(task, Long.MAX_VALUE);
        }
    }

    /** Makes one call to the provider. */
    <T extends @Nullable Object> T call(String name, Callable<T> call) throws Exception {
        return call(name, hangLimit, call);
    }

    /** Makes one call, or waits for something, that may take so long. */
    <T extends @Nullable Object> T call(String name, Duration limit, Callable<T> call) throws Exception {
        if (abandoned) {
            throw new IllegalStateException("the test was given up");
        }
        Thread thread = Thread.currentThread();
        long startNs = nowNs.getAsLong();
        underWay.put(thread, new Call(name, System.nanoTime(), limit));
        try {
            return call.call();
        } finally {
            underWay.remove(thread);
            slowestNs.merge(name, nowNs.getAsLong() - startNs, Math::max);
            if (Thread.interrupted()) {
                interrupting.add(name);
            }
        }
    }

    /** The longest time that calls of each name took, ns. */
    Map<String, Long> slowestNs() {
        return Map.copyOf(slowestNs);
    }

    /** The names of the calls that left their thread interrupted. */
    Set<String> interrupting() {
        return Set.copyOf(interrupting);
    }

    private static FutureTask<Void> start(String name, Body body) {
        FutureTask<Void> task = new FutureTask<>(() -> {
            body.run();
            return null;
        });
        Thread.ofPlatform().name(name).daemon().start(task);
        return task;
    }

    private static boolean isEnded(FutureTask<Void> task) throws Exception {
        try {
            await(task, POLL_MS);
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }

    private static void await(FutureTask<Void> task, long timeoutMs) throws Exception {
        try {
            task.get(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Error error -> throw error;
                case Exception exception -> throw exception;
                case null, default -> throw e;
            }
        }
    }

    private void failIfHanging(Thread thread, Call call) {
        if (System.nanoTime() - call.startNs() > call.limit().toNanos()) {
            abandoned = true;
            AssertionError hung = new AssertionError(call.name() + " has not come back within " + call.limit());
            hung.setStackTrace(thread.getStackTrace());
            throw hung;
        }
    }
}
