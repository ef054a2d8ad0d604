package io.turnstile.datapath;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs each distinct cause of failures on the packet path once; the packets are counted by their drop reason.
 *
 * <p>Threads: any.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(Datapath.class);
    private static final int MAX_CAUSES = 100;

    private final Set<String> logged = ConcurrentHashMap.newKeySet();

    /** @param what failed */
    void report(String what, RuntimeException failure) {
        StackTraceElement[] trace = failure.getStackTrace();
        String cause = what + " " + failure.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
        if (logged.size() < MAX_CAUSES && logged.add(cause)) {
            LOG.error("{} failed; further failures like this one are only counted", what, failure);
        }
    }
}
