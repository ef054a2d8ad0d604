package io.turnstile.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what another process will make true, by looking again and again, with a limit. */
public final class Await {
    private static final long LOOK_AGAIN_MS = 20;

    private Await() {}

    /** Returns once the condition holds; throws with {@code what} and {@code evidence} when it does not in time. */
    public static void until(String what, Duration limit, BooleanSupplier condition, Supplier<String> evidence) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within %s: %s%n%s".formatted(limit, what, evidence.get()));
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_AGAIN_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting", e);
        }
    }
}
