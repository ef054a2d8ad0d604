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
import org.jspecify.annotations.Nullable;

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
    private final Map<Id, OwnNumber> numbers = new LinkedHashMap<>(); // guarded by this
    private boolean someAreNotShown; // guarded by this

    private record Id(String name, boolean isCounter) {}

    ProviderNumbers(LaneMetrics metrics) {
        this.metrics = metrics;
    }

    /** One that is shown; written without waiting. */
    private static final class OwnNumber implements Counter, Gauge {
        private final boolean isCounter;
        private final LongAdder count = new LongAdder();
        private volatile double value;
        /** Here, as who shows it may refer to it weakly. */
        private final DoubleSupplier reading = this::read;

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

    private synchronized OwnNumber number(@Nullable String name, @Nullable String description, boolean isCounter) {
        String shown = name != null
                        && name.length() <= MAX_NAME_LENGTH
                        && NAME.matcher(name).matches()
                ? name
                : "";
        Id id = new Id(shown, isCounter);
        OwnNumber known = numbers.get(id);
        if (known != null) {
            return known;
        }
        OwnNumber made = new OwnNumber(isCounter);
        if (!shown.isEmpty() && numbers.size() < CAPACITY) {
            numbers.put(id, made);
            metrics.ownNumber(shown, ProviderText.line(description), isCounter, made.reading);
        } else {
            someAreNotShown = true;
        }
        return made;
    }

    /** {@code name: value}, in the order of their making; a gauge beside a counter of the same name is called one. */
    synchronized List<String> lines() {
        List<String> lines = new ArrayList<>(numbers.size());
        numbers.forEach((id, number) -> {
            boolean isSecond = !id.isCounter && numbers.containsKey(new Id(id.name, true));
            lines.add(id.name + (isSecond ? " (gauge)" : "") + ": " + number.text());
        });
        if (someAreNotShown) {
            lines.add("(some are not shown: a malformed name, or more than " + CAPACITY + ")");
        }
        return lines;
    }
}
