package io.turnstile.telemetry;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.turnstile.conntrack.AuditCause;
import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.InvalidReason;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.conntrack.fragment.FragmentReassembler;
import io.turnstile.conntrack.fragment.FragmentStatus;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DropReason;
import io.turnstile.offload.PathGate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the switch counts, as meters: read from the counters that are there anyway, when somebody looks. Names begin
 * with {@code turnstile.}; those of offload are its dispatcher's.
 *
 * <p>Threads: any; {@link #refresh} one at a time.
 */
public final class SwitchMeters implements MeterBinder {
    private final ConnectionTracker tracker;
    private final Datapath datapath;
    private final PathGate paths;
    private final String version;
    private final List<RareEvent> lost;
    private final PortMeters ports = new PortMeters();
    /** Null until the meters are bound. */
    private @Nullable MeterRegistry registry;

    private @Nullable PathMeters pathMeters;
    private @Nullable MultiGauge zoneConnections;
    private @Nullable MultiGauge zoneLimits;

    /**
     * @param version which the meter {@code turnstile.info} shows
     * @param lost what was to be told and got lost
     */
    public SwitchMeters(
            ConnectionTracker tracker, Datapath datapath, PathGate paths, String version, List<RareEvent> lost) {
        this.tracker = tracker;
        this.datapath = datapath;
        this.paths = paths;
        this.version = version;
        this.lost = lost;
    }

    @Override
    public void bindTo(MeterRegistry target) {
        registry = target;
        Gauge.builder("turnstile.info", () -> 1)
                .description("constant; the label says which version runs")
                .tag("version", version)
                .strongReference(true)
                .register(target);
        bindConnections();
        bindDatapath();
        bindFragments();
        pathMeters = new PathMeters(target, paths);
        for (RareEvent event : lost) {
            counter(
                    "events.lost",
                    "what was to be told and got lost, by the names of coverage/show",
                    Tags.of("kind", event.label()),
                    event,
                    one -> one.total().getAsLong());
        }
    }

    private void bindConnections() {
        gauge("connections", "connections in the table", tracker, ConnectionTracker::connectionCount);
        gauge("connections.max", "connections that the table may hold", tracker, ConnectionTracker::maxConnections);
        for (AuditCause cause : AuditCause.values()) {
            counter(
                    cause.isRemoval() ? "connections.removed" : "connections.refused",
                    cause.isRemoval()
                            ? "connections that left the table, by cause"
                            : "connections that were not made: the table or the zone was full, or nat() found no tuple",
                    Tags.of(cause.isRemoval() ? "cause" : "reason", cause.label()),
                    tracker,
                    one -> one.audit().count(cause));
        }
        for (InvalidReason reason : InvalidReason.values()) {
            counter(
                    "packets.invalid",
                    "packets that ct() called invalid, by the names of coverage/show",
                    Tags.of("reason", reason.label()),
                    tracker,
                    one -> one.invalid(reason));
        }
        zoneConnections = MultiGauge.builder("turnstile.zone.connections")
                .description("connections of a zone with a limit of its own")
                .register(bound(registry));
        zoneLimits = MultiGauge.builder("turnstile.zone.connections.max")
                .description("connections that a zone with a limit of its own may hold")
                .register(bound(registry));
    }

    private void bindDatapath() {
        String lookups = "packets looked up in the flow cache";
        counter(
                "datapath.lookups",
                lookups,
                Tags.of("result", "hit"),
                datapath,
                one -> one.statistics().hits());
        counter(
                "datapath.lookups",
                lookups,
                Tags.of("result", "missed"),
                datapath,
                one -> one.statistics().misses());
        counter(
                "datapath.lookups",
                lookups,
                Tags.of("result", "lost"),
                datapath,
                one -> one.statistics().lost());
        gauge(
                "datapath.flows",
                "flows in the cache",
                datapath,
                one -> one.statistics().flows());
        gauge(
                "datapath.masks",
                "different masks of flows in the cache",
                datapath,
                one -> one.statistics().masks());
        for (DropReason reason : DropReason.values()) {
            counter(
                    "packets.dropped",
                    "packets that ended here, by the names of coverage/show",
                    Tags.of("reason", reason.label()),
                    datapath,
                    one -> one.drops(reason));
        }
    }

    private void bindFragments() {
        FragmentReassembler fragments = datapath.fragments();
        gauge(
                "fragments.held",
                "fragments that wait for the rest of their datagram",
                fragments,
                one -> one.status().held());
        bindFamily(fragments, "4", one -> one.status().ipv4());
        bindFamily(fragments, "6", one -> one.status().ipv6());
    }

    /** A look at one address family's counts. */
    private interface FamilyOf {
        FragmentStatus.Family of(FragmentReassembler fragments);
    }

    private void bindFamily(FragmentReassembler fragments, String ip, FamilyOf family) {
        fragmentCounter(fragments, ip, "accepted", one -> family.of(one).accepted());
        fragmentCounter(fragments, ip, "completed", one -> family.of(one).completed());
        fragmentCounter(fragments, ip, "expired", one -> family.of(one).expired());
        fragmentCounter(fragments, ip, "too_small", one -> family.of(one).tooSmall());
        fragmentCounter(fragments, ip, "overlapped", one -> family.of(one).overlapped());
        fragmentCounter(fragments, ip, "malformed", one -> family.of(one).malformed());
        fragmentCounter(fragments, ip, "beyond_limit", one -> family.of(one).beyondLimit());
    }

    private void fragmentCounter(
            FragmentReassembler fragments, String ip, String result, ToDoubleFunction<FragmentReassembler> count) {
        counter(
                "fragments",
                "fragments that came to be tracked, by what became of them",
                Tags.of("ip", ip, "result", result),
                fragments,
                count);
    }

    private static <T> T bound(@Nullable T part) {
        return Objects.requireNonNull(part, "meters are bound before they are read");
    }

    private <T> void gauge(String name, String description, T of, ToDoubleFunction<T> value) {
        Gauge.builder("turnstile." + name, of, value)
                .description(description)
                .strongReference(true)
                .register(bound(registry));
    }

    private <T> void counter(String name, String description, Tags tags, T of, ToDoubleFunction<T> count) {
        FunctionCounter.builder("turnstile." + name, of, count)
                .description(description)
                .tags(tags)
                .register(bound(registry));
    }

    /** Follows the zones and ports that came and went; to be called before the meters are read. */
    synchronized void refresh() {
        List<MultiGauge.Row<?>> counts = new ArrayList<>();
        List<MultiGauge.Row<?>> limits = new ArrayList<>();
        ZoneLimits zones = tracker.zoneLimits();
        zones.configured().forEach((zone, limit) -> {
            Tags tags = Tags.of("zone", Integer.toString(zone));
            counts.add(MultiGauge.Row.of(tags, zones.count(zone)));
            limits.add(MultiGauge.Row.of(tags, Integer.toUnsignedLong(limit)));
        });
        bound(zoneConnections).register(counts, true);
        bound(zoneLimits).register(limits, true);
        bound(pathMeters).refresh();
        ports.refresh(bound(registry), datapath.ports().values());
    }
}
