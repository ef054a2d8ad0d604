package io.turnstile.bridge;

import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.ProviderRegistry;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code other_config:hw-offload}, {@code hw-offload-priority} and {@code n-offload-threads}: turns the dispatcher on and
 * off as they say, live, any number of times.
 *
 * <p>Threads: the reconciler's.
 */
final class OffloadKnob {
    private static final Logger LOG = LoggerFactory.getLogger(OffloadKnob.class);

    private final OffloadDispatcher dispatcher;
    private final ProviderRegistry registry;
    private final BadValues values = new BadValues("other_config");
    private Setting present = new Setting(false, "", 1);

    private record Setting(boolean on, String priority, int threads) {
    }

    OffloadKnob(OffloadDispatcher dispatcher, ProviderRegistry registry) {
        this.dispatcher = dispatcher;
        this.registry = registry;
    }

    void follow(Map<String, String> otherConfig) {
        Setting wanted = read(otherConfig);
        boolean differs = wanted.on() ? !wanted.equals(present) : present.on();
        if (!differs) {
            return;
        }
        if (wanted.on()) {
            try {
                dispatcher.setThreads(wanted.threads());
                dispatcher.enable(registry.inOrder(wanted.priority()));
                LOG.info("hw-offload is on, providers: {}", dispatcher.providers());
            } catch (IllegalStateException e) {
                LOG.warn("hw-offload: {}", e.getMessage());
                return; // Tried again with the next change.
            }
        } else {
            dispatcher.disable();
            LOG.info("hw-offload is off");
        }
        present = wanted;
    }

    private Setting read(Map<String, String> otherConfig) {
        String knob = otherConfig.getOrDefault("hw-offload", "false");
        String threads = otherConfig.getOrDefault("n-offload-threads", "1");
        boolean validKnob = knob.equals("true") || knob.equals("false");
        boolean validThreads = threads.matches("[0-9]{1,2}") && Integer.parseInt(threads) >= 1
                && Integer.parseInt(threads) <= OffloadDispatcher.MAX_THREADS;
        values.check("hw-offload", knob, validKnob, "neither true nor false, taken as false");
        values.check("n-offload-threads", threads, validThreads,
                "not 1 to " + OffloadDispatcher.MAX_THREADS + ", taken as 1");
        return new Setting(knob.equals("true"), otherConfig.getOrDefault("hw-offload-priority", ""),
                validThreads ? Integer.parseInt(threads) : 1);
    }
}
