package io.turnstile.pipeline;

import io.turnstile.packet.Packet;
import io.turnstile.pipeline.OpenFlowSwitch.Events;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import java.util.AbstractList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * The asynchronous messages of a bridge: packet-ins, ended flows, changed ports. Each subscriber has an
 * {@link EventQueue}.
 *
 * <p>Threads: any.
 */
final class BridgeEvents {
    /** What flows were when they ended. */
    private static final class RemovedFlows extends AbstractList<OpenFlowSwitch.FlowStats> {
        private final List<Rule> rules;
        private final long endedNs;

        RemovedFlows(List<Rule> rules, long endedNs) {
            this.rules = rules;
            this.endedNs = endedNs;
        }

        @Override
        public OpenFlowSwitch.FlowStats get(int index) {
            return rules.get(index).statistics(endedNs);
        }

        @Override
        public int size() {
            return rules.size();
        }
    }

    private record Subscriber(Events listener, EventQueue queue) {}

    private final Pipeline pipeline;
    /** Concerned when misses begin or cease to be packet-ins. */
    private final Dependents missReaders;

    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
    private volatile boolean packetInOnMiss;
    /** Changes under the change lock, so that a change is recorded as a whole or not at all. */
    private volatile boolean flowChanges;

    BridgeEvents(Pipeline pipeline, Dependents missReaders) {
        this.pipeline = pipeline;
        this.missReaders = missReaders;
    }

    /** Returns a handle that unsubscribes. */
    AutoCloseable subscribe(Events listener) {
        Subscriber subscriber = new Subscriber(listener, pipeline.newEventQueue());
        subscribers.add(subscriber);
        refresh();
        return () -> {
            subscribers.remove(subscriber);
            subscriber.queue.close();
            refresh();
        };
    }

    /** Asks the subscribers again whether they want packets that match no flow, and changes of flows. */
    void refresh() {
        // Who begins to watch flows has to wait for the change that is under way, whatever was wanted so far.
        if (areMissesWanted() == packetInOnMiss && !areFlowChangesWanted() && !flowChanges) {
            return;
        }
        pipeline.change(effects -> {
            boolean wanted = areMissesWanted(); // as of now: who asks at the same time may have come first
            if (wanted != packetInOnMiss) {
                packetInOnMiss = wanted;
                effects.everythingThrough(missReaders);
            }
            flowChanges = areFlowChangesWanted();
        });
    }

    private boolean areMissesWanted() {
        return subscribers.stream().anyMatch(subscriber -> subscriber.listener.wantsPacketInOnMiss());
    }

    private boolean areFlowChangesWanted() {
        return subscribers.stream().anyMatch(subscriber -> subscriber.listener.wantsFlowChanges());
    }

    /** Whether anybody watches flows. */
    boolean wantsFlowChanges() {
        return flowChanges;
    }

    boolean wantsPacketInOnMiss() {
        return packetInOnMiss;
    }

    /** Called by a forwarding thread: only copies what the listeners need. */
    void packetIn(Packet packet, long[] packetKey, PacketInRequest request) {
        if (subscribers.isEmpty()) {
            return;
        }
        OpenFlowSwitch.PacketIn event = new OpenFlowSwitch.PacketIn(
                packet.toBytes(),
                request.maxLengthBytes(),
                request.reason(),
                request.tableId(),
                request.cookie(),
                request.controllerId(),
                request.metadata(packetKey),
                request.userdataBytes(),
                request.paused());
        for (Subscriber subscriber : subscribers) {
            subscriber.queue.postPacket(() -> subscriber.listener.packetIn(event));
        }
    }

    /** Flows ended together. What each of them was is put together when a subscriber looks at it. */
    void flowsRemoved(List<Rule> rules, FlowRemovedReason reason) {
        List<OpenFlowSwitch.FlowStats> flows = new RemovedFlows(rules, pipeline.nowNs());
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.flowsRemoved(flows, reason)));
    }

    void flowsChanged(FlowChanges changes) {
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.flowsChanged(changes)));
    }

    void tableStatus(OpenFlowSwitch.TableDescription table, TableStatusReason reason) {
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.tableStatus(table, reason)));
    }

    void portStatus(OfPort port, PortStatusReason reason) {
        subscribers.forEach(subscriber -> subscriber.queue.post(() -> subscriber.listener.portStatus(port, reason)));
    }

    /** Waits until the subscribers have got everything that was posted so far. Never called by a subscriber. */
    void await() {
        List<Subscriber> present = List.copyOf(subscribers);
        CountDownLatch delivered = new CountDownLatch(present.size());
        present.forEach(subscriber -> subscriber.queue.whenDelivered(delivered::countDown));
        try {
            delivered.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void close() {
        subscribers.forEach(subscriber -> subscriber.queue.close());
        subscribers.clear();
    }
}
