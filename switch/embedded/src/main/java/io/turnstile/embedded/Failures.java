package io.turnstile.embedded;

import io.turnstile.pipeline.OpenFlowSwitch;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What went wrong inside, until a call of the test comes back and throws it.
 *
 * <p>Threads: any may record; the test takes.
 */
final class Failures {
    /** One broken action in a loop need not fill the memory. */
    private static final int MAX_KEPT = 100;

    private final Queue<SwitchFailedException> kept = new ConcurrentLinkedQueue<>();

    void record(String what, Throwable thrown) {
        keep(new SwitchFailedException(what + " failed: " + thrown, thrown));
    }

    void recordMissingPort(OpenFlowSwitch bridge, int number) {
        keep(new SwitchFailedException(MissingPort.explain(bridge, number), null));
    }

    private void keep(SwitchFailedException failure) {
        if (kept.size() < MAX_KEPT) {
            kept.add(failure);
        }
    }

    /** Throws the first with the others suppressed, once. */
    void check() {
        SwitchFailedException first = kept.poll();
        if (first != null) {
            suppressBy(first);
            throw first;
        }
    }

    /** Adds what is kept to something that is thrown anyway. */
    void suppressBy(Throwable thrown) {
        for (SwitchFailedException next = kept.poll(); next != null; next = kept.poll()) {
            thrown.addSuppressed(next);
        }
    }
}
