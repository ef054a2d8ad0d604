package io.turnstile.offload.provider.ebpf;

import java.util.Map;
import java.util.function.Consumer;

/**
 * The provider's part of {@code other_config}.
 *
 * @param maxPaths {@code offload-ebpf-max-paths}: how many paths there is room for; a connection has up to two
 * @param sweepMs {@code offload-ebpf-sweep-ms}: how often counters are read
 * @param settleUs {@code offload-ebpf-settle-us}: {@link Settling#pauseNs} in microseconds
 */
record Settings(int maxPaths, int sweepMs, int settleUs) {
    static final Settings DEFAULT = new Settings(1 << 20, 500, 500);

    private static final String MAX_PATHS = "max-paths";
    private static final int MOST_PATHS = 1 << 24;
    private static final String SWEEP_MS = "sweep-ms";
    private static final int SHORTEST_SWEEP_MS = 10;
    private static final int LONGEST_SWEEP_MS = 10_000;
    private static final String SETTLE_US = "settle-us";
    private static final int LONGEST_SETTLE_US = 100_000;

    /** What it cannot use is as if it were not there, and complained about. */
    static Settings of(Map<String, String> settings, Consumer<String> complaints) {
        return new Settings(
                number(settings, MAX_PATHS, 1, MOST_PATHS, DEFAULT.maxPaths, complaints),
                number(settings, SWEEP_MS, SHORTEST_SWEEP_MS, LONGEST_SWEEP_MS, DEFAULT.sweepMs, complaints),
                number(settings, SETTLE_US, 0, LONGEST_SETTLE_US, DEFAULT.settleUs, complaints));
    }

    private static int number(
            Map<String, String> settings, String key, int least, int most, int otherwise, Consumer<String> complaints) {
        String text = settings.get(key);
        if (text == null) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        complaints.accept(
                "%s: \"%s\" is no number from %d to %d: %d is used".formatted(key, text, least, most, otherwise));
        return otherwise;
    }
}
