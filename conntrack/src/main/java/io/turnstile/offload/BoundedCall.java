package io.turnstile.offload;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A call of foreign code, on a daemon thread of its own: who waits for it waits only so long, and the thread is left
 * behind if it does not come back.
 *
 * <p>Threads: any.
 */
final class BoundedCall {
    private final CountDownLatch over = new CountDownLatch(1);
    private final Thread thread;
    private volatile @Nullable FailureText thrown;

    private BoundedCall(ThreadFactory threads, Runnable work) {
        thread = threads.newThread(() -> run(work));
    }

    /** Starts the call. What it throws is kept in {@link #thrown}; so is why no thread could be had. */
    static BoundedCall start(String threadName, Runnable work) {
        return start(Thread.ofPlatform().daemon().name(threadName).factory(), work);
    }

    /** The same on a thread of that make, a daemon. */
    static BoundedCall start(ThreadFactory threads, Runnable work) {
        BoundedCall call = new BoundedCall(threads, work);
        try {
            call.thread.start();
        } catch (Throwable e) { // contained: there is no thread left for it
            HeapExhaustion.check(e);
            call.thrown = FailureText.of(e);
            call.over.countDown();
        }
        return call;
    }

    private void run(Runnable work) {
        try {
            work.run();
        } catch (Throwable e) { // contained: foreign code can throw anything
            HeapExhaustion.check(e);
            thrown = FailureText.of(e); // here, as this may not come back either
        } finally {
            over.countDown();
        }
    }

    /**
     * Waits for the end of the call.
     *
     * @param deadlineNs by {@link System#nanoTime}
     * @return whether it has ended
     */
    boolean await(long deadlineNs) {
        try {
            return over.await(deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return isOver();
        }
    }

    boolean isOver() {
        return over.getCount() == 0;
    }

    @Nullable
    FailureText thrown() {
        return thrown;
    }

    /**
     * Where the call is: {@code acme.Card.<init>:12}, the innermost place that is not the JDK's; null if it has none.
     */
    @Nullable
    String whereabouts() {
        for (StackTraceElement frame : thread.getStackTrace()) {
            String module = frame.getModuleName();
            if (module == null || !module.startsWith("java.") && !module.startsWith("jdk.")) {
                return place(frame);
            }
        }
        return null;
    }

    static String place(StackTraceElement frame) {
        return frame.getClassName() + "." + frame.getMethodName() + ":" + frame.getLineNumber();
    }
}
