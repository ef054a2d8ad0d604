package io.turnstile.datapath;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log shows each distinct cause of failures on the packet path once; the packets are counted by their drop reason.
 *
 * <p>Threads: any.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(Datapath.class);
    private static final int MAX_CAUSES = 100;

    private final Set<String> logged = ConcurrentHashMap.newKeySet();
    private volatile BiConsumer<String, RuntimeException> listener = (what, failure) -> {};

    /** Has {@code listener} told of every failure, with what failed, by the thread that met it. */
    void onFailure(BiConsumer<String, RuntimeException> listener) {
        this.listener = listener;
    }

    /** @param what failed */
    void report(String what, RuntimeException failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        String cause = what + " " + failure.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
        if (logged.size() < MAX_CAUSES && logged.add(cause)) {
            LOG.error("{} failed; further failures like this one are only counted", what, failure);
        }
        try {
            listener.accept(what, failure);
        } catch (RuntimeException e) {
            LOG.error("a listener of failures failed", e);
        }
    }
}
