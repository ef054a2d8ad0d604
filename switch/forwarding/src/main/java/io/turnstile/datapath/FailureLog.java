package io.turnstile.datapath;

import io.turnstile.time.OncePerMinute;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log shows each distinct cause of failures on the packet path once a minute; the packets are counted by their drop
 * reason.
 *
 * <p>Threads: any.
 */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(Datapath.class);

    private final OncePerMinute told = new OncePerMinute();
    private volatile BiConsumer<String, RuntimeException> listener = (what, failure) -> {};

    /** Has {@code listener} told of every failure, with what failed, by the thread that met it. */
    void onFailure(BiConsumer<String, RuntimeException> listener) {
        this.listener = listener;
    }

    /** @param what failed */
    void report(String what, RuntimeException failure) {
        if (told.isDue(what, failure)) {
            LOG.error("{} failed; further failures like this one within a minute are only counted", what, failure);
        }
        try {
            listener.accept(what, failure);
        } catch (RuntimeException e) {
            if (told.isDue("listener", e)) {
                LOG.error("a listener of failures failed", e);
            }
        }
    }
}
