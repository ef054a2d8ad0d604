package io.turnstile.offload;

import io.turnstile.offload.spi.Counter;
import io.turnstile.offload.spi.Gauge;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;
import java.util.regex.Pattern;

/**
 * The counters and gauges that a provider has made for itself. They outlive its sessions. Bounded: beyond
 * {@link #CAPACITY} names, or of a malformed name, a number can be used and is not shown.
 *
 * <p>Threads: any.
 */
final class ProviderNumbers {
    static final int CAPACITY = 64;
    private static final int MAX_NAME_LENGTH = 64;
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]*");

    private final LaneMetrics metrics;
    private final Map<String, OwnNumber> numbers = new LinkedHashMap<>(); // guarded by this

    ProviderNumbers(LaneMetrics metrics) {
        this.metrics = metrics;
    }

    /** One that is shown; written without waiting. */
    private static final class OwnNumber implements Counter, Gauge {
        private final boolean isCounter;
        private final LongAdder count = new LongAdder();
        private volatile double value;

        private OwnNumber(boolean isCounter) {
            this.isCounter = isCounter;
        }

        @Override
        public void add(long more) {
            if (more > 0) {
                count.add(more);
            }
        }

        @Override
        public void set(double value) {
            this.value = value;
        }

        private double read() {
            return isCounter ? count.sum() : value;
        }

        private String text() {
            return isCounter
                    ? Long.toString(count.sum())
                    : String.format(Locale.ROOT, "%.10g", value)
                            .replaceFirst("(\\.\\d*?)0+$", "$1")
                            .replaceFirst("\\.$", "");
        }
    }

    Counter counter(String name, String description) {
        return number(name, description, true);
    }

    Gauge gauge(String name, String description) {
        return number(name, description, false);
    }

    private synchronized OwnNumber number(String name, String description, boolean isCounter) {
        OwnNumber known = numbers.get(name);
        if (known != null && known.isCounter == isCounter) {
            return known;
        }
        OwnNumber made = new OwnNumber(isCounter);
        boolean valid = name.length() <= MAX_NAME_LENGTH && NAME.matcher(name).matches();
        if (valid && known == null && numbers.size() < CAPACITY) {
            numbers.put(name, made);
            DoubleSupplier reading = made::read;
            metrics.ownNumber(name, ProviderText.line(description), isCounter, reading);
        }
        return made;
    }

    /** {@code name: value}, in the order of their making. */
    synchronized List<String> lines() {
        List<String> lines = new ArrayList<>(numbers.size());
        numbers.forEach((name, number) -> lines.add(name + ": " + number.text()));
        return lines;
    }
}
