package io.turnstile.telemetry;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortStatistics;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counters of ports, which come and go: {@code turnstile.port.…}, tagged with the port's name and the direction. A
 * counter that a device does not have is not there, as opposed to 0.
 *
 * <p>Threads: one at a time.
 */
final class PortMeters {
    private static final Logger LOG = LoggerFactory.getLogger(PortMeters.class);

    private final Map<Port, Shown> shown = new HashMap<>();

    /** One port's counters as they were read last: all at one moment, by one question to the device. */
    private static final class Shown {
        private final List<Meter> meters = new ArrayList<>();
        private volatile PortStatistics latest;

        Shown(PortStatistics first) {
            latest = first;
        }
    }

    /** A counter of a port. */
    private record Column(String name, String direction, String description, ToLongFunction<PortStatistics> value) {}

    private static final List<Column> COLUMNS = List.of(
            new Column("packets", "rx", "packets", PortStatistics::rxPackets),
            new Column("packets", "tx", "packets", PortStatistics::txPackets),
            new Column("bytes", "rx", "bytes", PortStatistics::rxBytes),
            new Column("bytes", "tx", "bytes", PortStatistics::txBytes),
            new Column("dropped", "rx", "packets dropped by the port", PortStatistics::rxDropped),
            new Column("dropped", "tx", "packets dropped by the port", PortStatistics::txDropped),
            new Column("errors", "rx", "packets with errors", PortStatistics::rxErrors),
            new Column("errors", "tx", "packets with errors", PortStatistics::txErrors));

    /**
     * Reads the counters of these ports, and forgets all other ports. A port whose device has gone is as good as
     * forgotten.
     */
    void refresh(MeterRegistry registry, Collection<Port> present) {
        Map<Port, PortStatistics> read = new LinkedHashMap<>();
        for (Port port : present) {
            try {
                read.put(port, port.statistics());
            } catch (PortException e) {
                LOG.debug("{}: {}", port.name(), e.getMessage());
            }
        }
        shown.forEach((port, of) -> {
            if (!read.containsKey(port)) {
                of.meters.forEach(registry::remove);
            }
        });
        shown.keySet().retainAll(read.keySet());
        read.forEach((port, statistics) -> {
            Shown of = shown.computeIfAbsent(port, added -> new Shown(statistics));
            of.latest = statistics;
            if (of.meters.isEmpty()) {
                show(registry, port, of);
            }
        });
    }

    private static void show(MeterRegistry registry, Port port, Shown of) {
        for (Column column : COLUMNS) {
            if (column.value().applyAsLong(of.latest) != PortStatistics.UNKNOWN) {
                of.meters.add(FunctionCounter.builder(
                                "turnstile.port." + column.name(),
                                of,
                                one -> column.value().applyAsLong(one.latest))
                        .description(column.description())
                        .tag("port", port.name())
                        .tag("direction", column.direction())
                        .register(registry));
            }
        }
    }
}
