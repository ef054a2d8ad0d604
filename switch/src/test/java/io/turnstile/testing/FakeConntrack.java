package io.turnstile.testing;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.Arrays;

/**
 * Knows connections by zone, addresses and ports and nothing else: new until committed, then established, replies by the swapped
 * tuple. Enough for what datapath and pipeline make of ct_state; allocates nothing for a packet of a known connection.
 */
public final class FakeConntrack implements Conntrack {
    private static final int SIZE = 1 << 16;
    private final long[][] connections = new long[SIZE][];
    private int count;

    private static long a(Packet p) {
        return p.etherType() == 0x0800 ? p.u32(p.l3Offset() + 12) & 0xffff_ffffL : p.u64(p.l3Offset() + 16);
    }

    private static long b(Packet p) {
        return p.etherType() == 0x0800 ? p.u32(p.l3Offset() + 16) & 0xffff_ffffL : p.u64(p.l3Offset() + 32);
    }

    private int find(int zone, long source, long destination, int ports) {
        int at = slot(zone, source, destination, ports);
        while (connections[at] != null) {
            long[] c = connections[at];
            if (c[0] == zone && c[1] == source && c[2] == destination && c[3] == ports) {
                return at;
            }
            at = (at + 1) % SIZE;
        }
        return -1;
    }

    private static int slot(int zone, long source, long destination, int ports) {
        long hash = ((source * 31 + destination) * 31 + ports) * 31 + zone;
        return (int) ((hash * 0x9e37_79b9_7f4a_7c15L) >>> 48);
    }

    @Override
    public synchronized void track(PacketBatch packets, CtRequest request, long nowNs) {
        for (int i = 0; i < packets.length(); i++) {
            track(packets.get(i), request);
        }
    }

    private void track(Packet packet, CtRequest request) {
        if (packet.l3Offset() < 0 || packet.l4Offset() < 0) {
            packet.setConntrack(CtState.TRK | CtState.INV, request.zone(), 0, 0, 0);
            return;
        }
        int ports = packet.u32(packet.l4Offset());
        int swapped = ports << 16 | ports >>> 16;
        int original = find(request.zone(), a(packet), b(packet), ports);
        int reply = find(request.zone(), b(packet), a(packet), swapped);
        int found = original >= 0 ? original : reply;
        int state = CtState.TRK | (found < 0 ? CtState.NEW : CtState.EST) | (original < 0 && reply >= 0 ? CtState.RPL : 0);
        if (found < 0 && request.commit()) {
            found = slot(request.zone(), a(packet), b(packet), ports);
            while (connections[found] != null) {
                found = (found + 1) % SIZE;
            }
            connections[found] = new long[] {request.zone(), a(packet), b(packet), ports, 0, 0, 0};
            count++;
        }
        long[] connection = found < 0 ? null : connections[found];
        if (connection != null && request.commit()) {
            connection[4] = connection[4] & ~request.markMask() | request.mark() & request.markMask();
            connection[5] = connection[5] & ~request.labelMaskHigh() | request.labelHigh() & request.labelMaskHigh();
            connection[6] = connection[6] & ~request.labelMaskLow() | request.labelLow() & request.labelMaskLow();
        }
        Packet.OriginalTuple tuple = packet.ctOriginal();
        boolean turned = original < 0 && reply >= 0;
        tuple.ipv6 = packet.etherType() != 0x0800;
        tuple.sourceLow = turned ? b(packet) : a(packet);
        tuple.destinationLow = turned ? a(packet) : b(packet);
        tuple.sourcePort = (turned ? swapped : ports) >>> 16;
        tuple.destinationPort = (turned ? swapped : ports) & 0xffff;
        tuple.protocol = packet.ipProtocol();
        packet.setConntrack(state, request.zone(), connection == null ? 0 : (int) connection[4],
            connection == null ? 0 : connection[5], connection == null ? 0 : connection[6]);
    }

    @Override
    public long sweep(long nowNs) {
        return Long.MAX_VALUE;
    }

    @Override
    public synchronized int flush(Integer zoneOrNull, long nowNs) {
        Arrays.fill(connections, null);
        int flushed = count;
        count = 0;
        return flushed;
    }

    @Override
    public int connectionCount() {
        return count;
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
    public void setListener(ConnectionListener listenerOrNull) {
        // Tells nobody.
    }

    @Override
    public void release(long connectionId) {
        // Holds nothing.
    }

    @Override
    public void extend(long connectionId, long lastUsedNs) {
        // Nothing expires here.
    }

    @Override
    public void carriedElsewhere(long connectionId) {
        // No windows here.
    }
}
