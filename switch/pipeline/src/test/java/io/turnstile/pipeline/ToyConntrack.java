package io.turnstile.pipeline;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.TcpResume;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/**
 * Just enough of a tracker to drive flows that match on ct_state: connections by addresses, ports and zone; IPv4 only.
 */
final class ToyConntrack implements Conntrack {
    private record Tuple(int zone, int source, int destination, int sourcePort, int destinationPort) {
        Tuple reversed() {
            return new Tuple(zone, destination, source, destinationPort, sourcePort);
        }
    }

    private static final class Connection {
        private boolean replied;
        private int mark;
    }

    private final Map<Tuple, Connection> connections = new HashMap<>();

    @Override
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        for (int i = 0; i < packets.length(); i++) {
            track(packets.get(i), request);
        }
        return 0;
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        throw new UnsupportedOperationException();
    }

    private void track(Packet packet, CtRequest request) {
        int l3 = packet.l3Offset();
        int l4 = packet.l4Offset();
        if (l3 == Packet.ABSENT || l4 == Packet.ABSENT) {
            packet.setConntrack(CtState.TRK | CtState.INV, request.zone(), 0, 0, 0);
            return;
        }
        Tuple tuple =
                new Tuple(request.zone(), packet.u32(l3 + 12), packet.u32(l3 + 16), packet.u16(l4), packet.u16(l4 + 2));
        Connection reply = connections.get(tuple.reversed());
        Connection known = reply != null ? reply : connections.get(tuple);
        if (known == null && request.commit()) {
            known = new Connection();
            connections.put(tuple, known);
            write(known, request, packet, CtState.NEW);
        } else if (known == null) {
            packet.setConntrack(CtState.TRK | CtState.NEW, request.zone(), 0, 0, 0);
        } else {
            known.replied |= reply != null;
            write(
                    known,
                    request,
                    packet,
                    (known.replied ? CtState.EST : CtState.NEW) | (reply != null ? CtState.RPL : 0));
        }
    }

    private static void write(Connection connection, CtRequest request, Packet packet, int state) {
        connection.mark = connection.mark & ~request.markMask() | request.mark() & request.markMask();
        packet.setConntrack(CtState.TRK | state, request.zone(), connection.mark, 0, 0);
    }

    @Override
    public long sweep(long nowNs) {
        return Long.MAX_VALUE;
    }

    @Override
    public int flush(Integer zone, long nowNs) {
        int before = connections.size();
        connections.keySet().removeIf(tuple -> zone == null || tuple.zone == zone);
        return before - connections.size();
    }

    @Override
    public int connectionCount() {
        return connections.size();
    }

    @Override
    public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
        return false;
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        return -1;
    }

    @Override
    public void setListener(ConnectionListener listener) {}

    @Override
    public void release(long connectionId) {}

    @Override
    public void extend(long connectionId, long lastUsedNs) {}

    @Override
    public boolean hold(long connectionId) {
        return false;
    }

    @Override
    public void unhold(long connectionId, TcpResume resume) {}

    @Override
    public boolean awaitEstablished(long connectionId) {
        return false;
    }

    @Override
    public void forgetPorts(IntPredicate gone) {}
}
