package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.FlowMonitorCodec;
import io.turnstile.openflow.wire.FlowMonitorCodec.Command;
import io.turnstile.openflow.wire.FlowMonitorCodec.Event;
import io.turnstile.openflow.wire.FlowMonitorCodec.Monitor;
import io.turnstile.openflow.wire.FlowMonitorCodec.Wish;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.FlowChange;
import io.turnstile.pipeline.FlowChanges;
import io.turnstile.pipeline.MonitoredFlow;
import io.turnstile.pipeline.MonitoredFlows;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.OpenFlowSwitch.MonitorPoint;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The flow monitors of one connection, and what is told by them. As in Open vSwitch a change is told once, with what
 * any of the monitors wants to know of it, and what the peer has changed itself in short unless one wants it in full.
 *
 * <p>Where the peer does not keep up, monitoring pauses ({@link #PAUSE_FLOWS}): the peer is told so, and from then on
 * of flows alone that go and were there before. When it has taken all that, it gets what has come and changed
 * meanwhile, and monitoring goes on. So what waits for it is bounded by the flows that there were.
 *
 * <p>Threads: the connection's event loop.
 */
final class FlowMonitors {
    /** Of one connection. */
    static final int MAX_MONITORS = 1024;
    /** So many flows may wait for the peer: about what Open vSwitch's 128 KB hold. */
    static final int PAUSE_FLOWS = 1024;

    /** Through which monitors speak. */
    interface Peer {
        /** A reply that nobody has asked for, under transaction id 0. */
        Reply unasked(Consumer<ByteBuf> sender);

        void start(LongReply reply);

        /** Sends a message, and says when it has left. */
        void send(ByteBuf message, Runnable left);
    }

    /** @param since the change after which it follows */
    private record Following(Monitor monitor, long since) {
        private boolean wants(Wish wish) {
            return monitor.wishes().contains(wish);
        }
    }

    private final OpenFlowSwitch bridge;
    private final Object origin;
    private final Peer peer;
    private Map<Integer, Following> monitors = Map.of();
    /** The last change that was told. */
    private long seen;
    /** What updates hold that are not made yet. */
    private int waitingFlows;
    /** Messages that have not left yet. */
    private int unsent;

    /** Null unless monitoring pauses, or is about to. */
    private @Nullable MonitorPoint pause;
    /** Whether the peer knows that. */
    private boolean announced;
    /** What there is when monitoring is to go on; null unless that waits for changes that it shows already. */
    private @Nullable MonitoredFlows resuming;

    /** @param origin whom changes come from that are the peer's own */
    FlowMonitors(OpenFlowSwitch bridge, Object origin, Peer peer) {
        this.bridge = bridge;
        this.origin = origin;
        this.peer = peer;
    }

    boolean isEmpty() {
        return monitors.isEmpty();
    }

    // ---- requests ----

    /** The monitors as they are after a request, or what is wrong with it. */
    private Map<Integer, Following> after(Collection<Monitor> asked, long since) throws OfException {
        Map<Integer, Following> next = new LinkedHashMap<>(monitors);
        for (Monitor monitor : asked) {
            boolean present = next.containsKey(monitor.id());
            if (monitor.command() == Command.ADD && present) {
                throw new OfException(OfErrorCode.OFPMOFC_MONITOR_EXISTS, "monitor " + monitor.id());
            }
            if (monitor.command() != Command.ADD && !present) {
                throw new OfException(OfErrorCode.OFPMOFC_UNKNOWN_MONITOR, "monitor " + monitor.id());
            }
            if (monitor.command() == Command.DELETE) {
                next.remove(monitor.id());
            } else if (next.size() >= MAX_MONITORS && !present) {
                throw new OfException(OfErrorCode.OFPMOFC_UNKNOWN, "more than " + MAX_MONITORS + " monitors");
            } else {
                next.put(monitor.id(), new Following(monitor, since));
            }
        }
        return next;
    }

    /** Says what is wrong with a request, which changes nothing then. */
    void check(Collection<Monitor> asked) throws OfException {
        after(asked, 0);
    }

    /**
     * Does what a request asks for, and answers it by the flows that there are, as far as those are wanted.
     *
     * @param lastSeen the last change that was told to anybody
     * @param parts the answer
     */
    void apply(List<Monitor> asked, long lastSeen, MultipartReply parts, WireVersion version) throws OfException {
        List<Following> initial = asked.stream()
                .filter(monitor -> monitor.wishes().contains(Wish.INITIAL))
                .map(monitor -> new Following(monitor, 0))
                .toList();
        MonitoredFlows flows = initial.isEmpty() ? null : bridge.monitoredFlows(tableOf(initial));
        monitors = after(asked, flows == null ? bridge.monitorPoint().changeNumber() : flows.changeNumber());
        seen = Math.max(seen, lastSeen);
        if (flows == null) {
            peer.start(LongReply.once(parts::finish, parts::abandon));
            return;
        }
        peer.start(new MonitorDump(flows, LazyReply.begun(parts), () -> {}, (flow, reply) -> {
            Set<Wish> wishes = EnumSet.noneOf(Wish.class);
            initial.stream()
                    .filter(each -> flow.isSelectedBy(each.monitor.query()))
                    .forEach(each -> wishes.addAll(each.monitor.wishes()));
            if (!wishes.isEmpty()) {
                add(reply.get(), Event.INITIAL, flow, wishes, version);
            }
        }));
    }

    void cancel(int id) throws OfException {
        Map<Integer, Following> next = new LinkedHashMap<>(monitors);
        if (next.remove(id) == null) {
            throw new OfException(OfErrorCode.OFPMOFC_UNKNOWN_MONITOR, "monitor " + id);
        }
        monitors = next;
    }

    /** The connection has ended. */
    void close() {
        monitors = Map.of();
    }

    /** The one table that all are about, or all tables. */
    private static int tableOf(Collection<Following> about) {
        return about.stream()
                .map(each -> each.monitor.query().tableId())
                .reduce((a, b) -> a.equals(b) ? a : FlowMod.ALL_TABLES)
                .orElse(FlowMod.ALL_TABLES);
    }

    private static void add(
            MultipartReply parts, Event event, MonitoredFlow flow, Set<Wish> wishes, WireVersion version) {
        parts.add(out -> FlowMonitorCodec.writeFlow(out, event, 0, flow, wishes.contains(Wish.ACTIONS), version));
    }

    // ---- changes ----

    /** The bridge's next change. */
    void changed(FlowChanges changes) {
        seen = changes.number();
        MonitorPoint present = pause;
        if (!monitors.isEmpty()) {
            if (present == null || seen <= present.changeNumber()) {
                tell(changes, false);
            } else {
                tell(changes.removedAndThereAt(present.sinceNs()), true);
            }
        }
        announcePause();
        resume();
    }

    private void tell(FlowChanges changes, boolean paused) {
        if (changes.size() == 0) {
            return;
        }
        waitingFlows += changes.size();
        boolean inShort = !paused && changes.isOf(origin);
        peer.start(new MonitorUpdates(changes, inShort, this::unasked, change -> wishesFor(change, changes), () -> {
            waitingFlows -= changes.size();
            resumeIfAllLeft();
        }));
        if (pause == null && waitingFlows > PAUSE_FLOWS) {
            pause = bridge.monitorPoint();
            announced = false;
        }
    }

    /** What any of the monitors wants to know of the change; nothing if it is none of theirs. */
    private Set<Wish> wishesFor(FlowChange change, FlowChanges changes) {
        Wish kind = switch (change.event()) {
            case ADDED -> Wish.ADDED;
            case REMOVED -> Wish.REMOVED;
            case MODIFIED -> Wish.MODIFIED;
        };
        Set<Wish> wishes = EnumSet.noneOf(Wish.class);
        for (Following each : monitors.values()) {
            if (each.since < changes.number() && each.wants(kind) && change.isSelectedBy(each.monitor.query())) {
                wishes.addAll(each.monitor.wishes());
            }
        }
        return wishes;
    }

    private Reply reply() {
        return peer.unasked(this::send);
    }

    private MultipartReply unasked() {
        Reply reply = reply();
        return new MultipartReply(reply, type(reply.version()));
    }

    private void send(ByteBuf message) {
        unsent++;
        peer.send(message, () -> {
            unsent--;
            resumeIfAllLeft();
        });
    }

    /** Under which requests and replies travel. */
    static MessageType type(WireVersion version) {
        return switch (version) {
            case OF10, OF11, OF12 -> MessageType.NXST_FLOW_MONITOR;
            case OF13 -> MessageType.ONFST_FLOW_MONITOR;
            case OF14, OF15 -> MessageType.FLOW_MONITOR;
        };
    }

    // ---- pauses ----

    /** Once everything is told that came before the pause. */
    private void announcePause() {
        if (pause != null && !announced && seen >= pause.changeNumber()) {
            announced = true;
            peer.start(LongReply.once(() -> sendPause(Event.PAUSED), () -> {}));
        }
    }

    private void resumeIfAllLeft() {
        if (pause != null && announced && resuming == null && waitingFlows == 0 && unsent == 0) {
            resuming = bridge.monitoredFlows(tableOf(monitors.values()));
            resume();
        }
    }

    /** Once nothing more comes that the flows show which there are by now. */
    private void resume() {
        MonitoredFlows flows = resuming;
        MonitorPoint since = pause;
        if (flows == null || since == null || seen < flows.changeNumber()) {
            return;
        }
        resuming = null;
        pause = null;
        WireVersion version = reply().version();
        List<Following> present = new ArrayList<>(monitors.values());
        Runnable end = () -> sendPause(Event.RESUMED);
        peer.start(new MonitorDump(flows, new LazyReply(this::unasked), end, (flow, parts) -> {
            Event event = missed(flow, since.sinceNs());
            Set<Wish> wishes = event == null ? Set.of() : wishesFor(flow, event, present);
            if (event != null && !wishes.isEmpty()) {
                add(parts.get(), event, flow, wishes, version);
            }
        }));
    }

    private static @Nullable Event missed(MonitoredFlow flow, long sinceNs) {
        if (flow.isAddedSince(sinceNs)) {
            return Event.ADDED;
        }
        return flow.isChangedSince(sinceNs) ? Event.MODIFIED : null;
    }

    /** Who wants to know of changes hears of what was added as well. */
    private static Set<Wish> wishesFor(MonitoredFlow flow, Event event, List<Following> monitors) {
        Set<Wish> wishes = EnumSet.noneOf(Wish.class);
        for (Following each : monitors) {
            boolean wanted = each.wants(Wish.MODIFIED) || event == Event.ADDED && each.wants(Wish.ADDED);
            if (wanted && flow.isSelectedBy(each.monitor.query())) {
                wishes.addAll(each.monitor.wishes());
            }
        }
        return wishes;
    }

    private void sendPause(Event event) {
        Reply reply = reply();
        WireVersion version = reply.version();
        if (version.hasProperties()) {
            MultipartReply parts = unasked();
            parts.add(out -> FlowMonitorCodec.writePause(out, event, version));
            parts.finish();
            return;
        }
        MessageType type = version == WireVersion.OF13
                ? event == Event.PAUSED ? MessageType.ONFT_FLOW_MONITOR_PAUSED : MessageType.ONFT_FLOW_MONITOR_RESUMED
                : event == Event.PAUSED ? MessageType.NXT_FLOW_MONITOR_PAUSED : MessageType.NXT_FLOW_MONITOR_RESUMED;
        reply.send(type, body -> {});
    }
}
