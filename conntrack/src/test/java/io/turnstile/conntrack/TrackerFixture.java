package io.turnstile.conntrack;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A tracker, a clock by hand, and words for what packets meet. */
final class TrackerFixture {
    final ManualClock clock;
    final ConnectionTracker tracker;

    TrackerFixture() {
        this(0, 1000);
    }

    TrackerFixture(long originNs, int maxConnections) {
        clock = new ManualClock(originNs, 0);
        tracker = new ConnectionTracker(clock, maxConnections);
    }

    Packet send(Packet packet, CtRequest request) {
        PacketBatch batch = new PacketBatch();
        batch.add(packet);
        tracker.track(batch, request, clock.nowNs());
        return packet;
    }

    Packet sendFrom(int inPort, Frame frame, CtRequest request) {
        Packet packet = frame.packet();
        packet.setInPort(inPort);
        return send(packet, request);
    }

    /** The ct_state that a lookup in zone 0 gives. */
    String look(Frame frame) {
        return state(send(frame.packet(), CtRequest.lookup(0)));
    }

    /** The ct_state that {@code ct(commit)} in zone 0 gives. */
    String commit(Frame frame) {
        return state(send(frame.packet(), CtRequest.commit(0)));
    }

    /** Lookup, and commit if new: what the usual firewall does. */
    String pass(Frame frame) {
        Packet packet = send(frame.packet(), CtRequest.lookup(0));
        String state = state(packet);
        if ((packet.ctState() & CtState.NEW) != 0) {
            send(packet, CtRequest.commit(0));
        }
        return state;
    }

    /** As ovs-ofctl prints it, trk left out: {@code est|rpl}. */
    static String state(Packet packet) {
        List<String> words = new ArrayList<>();
        String[] names = {"new", "est", "rel", "rpl", "inv", null, "snat", "dnat"};
        for (int bit = 0; bit < names.length; bit++) {
            if (names[bit] != null && (packet.ctState() & 1 << bit) != 0) {
                words.add(names[bit]);
            }
        }
        if ((packet.ctState() & CtState.TRK) == 0) {
            words.add("untracked");
        }
        return String.join("|", words);
    }

    void advance(Duration step) {
        clock.advance(step);
    }

    void sweep() {
        tracker.sweep(clock.nowNs());
    }

    List<String> dump() {
        return dump(false, false);
    }

    List<String> dump(boolean more, boolean statistics) {
        List<String> lines = new ArrayList<>();
        for (long cursor = 0; cursor >= 0; ) {
            cursor = tracker.scan(
                    cursor,
                    7,
                    connection -> lines.add(ConntrackDump.line(connection, more, statistics)),
                    clock.nowNs());
        }
        return lines;
    }

    List<Long> ids() {
        List<Long> ids = new ArrayList<>();
        for (long cursor = 0; cursor >= 0; ) {
            cursor = tracker.scan(cursor, 7, connection -> ids.add(connection.connectionId), clock.nowNs());
        }
        return ids;
    }
}
