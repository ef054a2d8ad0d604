package io.turnstile.telemetry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import io.turnstile.packet.IpProtocols;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * One line of {@code conntrack/offload-monitor}: something that happened, once or several times.
 *
 * <p>Threads: {@link EventRing} changes it under its lock, and not any more once it was handed out.
 */
final class MonitorLine {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final long sequence;
    private final String kind;
    private final @Nullable String provider;
    private final @Nullable String state;
    /** What happened last; null for a note. */
    private @Nullable OffloadEvent event;

    private long wallMs;
    private long count = 1;

    private MonitorLine(
            long sequence,
            String kind,
            @Nullable String provider,
            @Nullable String state,
            @Nullable OffloadEvent event,
            long wallMs) {
        this.sequence = sequence;
        this.kind = kind;
        this.provider = provider;
        this.state = state;
        this.event = event;
        this.wallMs = wallMs;
    }

    static MonitorLine of(long sequence, OffloadEvent event, long wallMs) {
        return new MonitorLine(sequence, event.kind().toString(), event.provider(), null, event, wallMs);
    }

    /**
     * A line that concerns no connection.
     *
     * @param kind {@code watching}: events are noted from here on; {@code provider}: it has come into another state
     * @param provider its name
     * @param state its state, as {@code conntrack/offload-show} has it
     */
    static MonitorLine note(
            long sequence, String kind, @Nullable String provider, @Nullable String state, long wallMs) {
        return new MonitorLine(sequence, kind, provider, state, null, wallMs);
    }

    long sequence() {
        return sequence;
    }

    @Nullable
    OffloadEvent event() {
        return event;
    }

    boolean isRepeatedBy(OffloadEvent next) {
        return event != null
                && event.kind() == next.kind()
                && event.result().getClass() == next.result().getClass();
    }

    void repeat(OffloadEvent next, long atWallMs) {
        event = next;
        wallMs = atWallMs;
        count++;
    }

    /** The line as JSON, without line end. */
    String text() {
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put("seq", sequence);
        line.put("time", TIME.format(Instant.ofEpochMilli(wallMs)));
        line.put("event", kind);
        if (provider != null) {
            line.put("provider", provider);
        }
        if (state != null) {
            line.put("state", state);
        }
        if (event != null) {
            addResult(line, event.result());
            addOperation(line, event.operation());
        }
        if (count > 1) {
            line.put("count", count);
        }
        return line.toString();
    }

    private static void addResult(ObjectNode line, OffloadResult result) {
        switch (result) {
            case Verdict.Accept a -> line.put("result", "accepted");
            case Verdict.Decline d -> line.put("result", "declined").put("reason", d.reason());
            case Verdict.Later l -> line.put("result", "later").put("reason", l.reason());
            case OffloadResult.Done d -> line.put("result", "ok");
            case OffloadResult.OneByOne o -> line.put("result", "one by one");
            case OffloadResult.Covered c -> line.put("result", c.both() ? "ok" : "ask again");
            case OffloadResult.LastUsed l -> {
                line.put("result", l.epochMs() == 0 ? "unknown" : "last used");
                addUse(line, l.epochMs(), l.packets(), l.bytes());
            }
            case OffloadResult.Released r -> addUse(line.put("result", "ok"), r.epochMs(), r.packets(), r.bytes());
            case OffloadResult.Carried c -> addUse(line.put("result", "ok"), c.epochMs(), c.packets(), c.bytes());
            case OffloadResult.Deferred d -> line.put("result", "deferred");
            case OffloadResult.Failed f -> line.put("result", "failed").put("reason", f.reason());
        }
    }

    /** What is not known is left out, as opposed to 0. */
    private static void addUse(ObjectNode line, long epochMs, long packets, long bytes) {
        if (epochMs != 0) {
            line.put("last_used_ms", epochMs);
        }
        if (packets >= 0) {
            line.put("packets", packets);
        }
        if (bytes >= 0) {
            line.put("bytes", bytes);
        }
    }

    private static void addOperation(ObjectNode line, OffloadOperation operation) {
        switch (operation) {
            case OffloadOperation.Query q -> addConnection(line, q.connection(), null);
            case OffloadOperation.Add a -> addConnection(line, a.connection(), null);
            case OffloadOperation.Established e -> addConnection(line, e.connection(), e.replyIngress());
            case OffloadOperation.Changed c -> {
                ArrayNode changes = line.putArray("changes");
                c.changes().stream().sorted().forEach(change -> changes.add(change.toString()));
                addConnection(line, c.connection(), null);
            }
            case OffloadOperation.Update u -> addConnection(line, u.connection(), null);
            case OffloadOperation.Delete d ->
                addConnection(line.put("cause", d.reason().toString()), d.connection(), null);
            case OffloadOperation.PathPut p -> {
                addConnection(line, p.connection(), null);
                addPath(line, p.path()).put("text", p.path().toString());
            }
            case OffloadOperation.PathDel p -> {
                addConnection(line.put("cause", p.reason().toString()), p.connection(), null);
                addPath(line, p.path());
            }
            case OffloadOperation.PathStats p -> {
                addConnection(line, p.connection(), null);
                addPath(line, p.path());
            }
            case OffloadOperation.Flush f -> line.put("cause", f.reason().toString());
        }
    }

    private static ObjectNode addPath(ObjectNode line, Path path) {
        return line.putObject("path")
                .put("id", path.id())
                .put("direction", path.direction().toString());
    }

    private static void addConnection(ObjectNode line, ConnView connection, @Nullable PortRef replyIngress) {
        // As text: many readers know no whole numbers of 64 bits.
        line.put("connection", Long.toUnsignedString(connection.id()));
        line.put("proto", connection.protocolName());
        addTuple(line.putObject("orig"), connection.original());
        addTuple(line.putObject("reply"), connection.reply());
        line.put("zone", connection.zone());
        addPort(line, "in", connection.originalIngress());
        addPort(line, "reply", replyIngress != null ? replyIngress : connection.replyIngress());
    }

    private static void addTuple(ObjectNode into, TupleView tuple) {
        into.put("src", tuple.source()).put("dst", tuple.destination());
        if (tuple.protocol() == IpProtocols.ICMP || tuple.protocol() == IpProtocols.ICMPV6) {
            into.put("id", tuple.icmpId()).put("type", tuple.icmpType()).put("code", tuple.icmpCode());
        } else {
            into.put("sport", tuple.sourcePort()).put("dport", tuple.destinationPort());
        }
    }

    private static void addPort(ObjectNode line, String which, @Nullable PortRef port) {
        if (port != null && port.isGone()) {
            line.put(which + "_port_gone", true);
        } else if (port != null) {
            line.put(which + "_port", port.number());
            if (port.name() != null) {
                line.put(which + "_port_name", port.name());
            }
        }
    }
}
