package io.turnstile.offload;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;

/** The reader takes connections from the tracker and makes the SPI's views of them. Threads: one at a time. */
final class ConnViewReader {
    private final Conntrack tracker;
    private final PortNames ports;
    private ConnectionSnapshot snapshot = new ConnectionSnapshot();

    ConnViewReader(Conntrack tracker, PortNames ports) {
        this.tracker = tracker;
        this.ports = ports;
    }

    /** False if the tracker does not know the connection; {@link #view()} then knows its id and nothing else. */
    boolean read(long connectionId, long nowNs) {
        if (tracker.read(connectionId, snapshot, nowNs)) {
            return true;
        }
        snapshot = new ConnectionSnapshot();
        snapshot.connectionId = connectionId;
        snapshot.originalInPort = -1;
        return false;
    }

    /** The connection read last has left the tracker's table, and somebody still holds its entry. */
    boolean isRemoved() {
        return snapshot.removed;
    }

    /** Of the connection read last. */
    boolean replySeen() {
        return snapshot.replySeen;
    }

    /** The connection read last has a helper that reads its payload. */
    boolean isControl() {
        return snapshot.alg != Alg.NONE;
    }

    /** Of the connection read last. */
    ConnView view() {
        ConnectionSnapshot c = snapshot;
        return new ConnView(
                c.connectionId,
                c.zone,
                c.protocol,
                tuple(c.original),
                tuple(c.reply),
                c.mark,
                c.labelHigh,
                c.labelLow,
                port(c.originalInPort),
                c.replySeen ? port(c.replyInPort) : null);
    }

    private TupleView tuple(ConnectionSnapshot.Tuple t) {
        return new TupleView(
                snapshot.ipv6,
                snapshot.protocol,
                t.sourceHigh,
                t.sourceLow,
                t.destinationHigh,
                t.destinationLow,
                t.sourcePort,
                t.destinationPort,
                t.icmpId,
                t.icmpType,
                t.icmpCode);
    }

    private PortRef port(int number) {
        return new PortRef(number, ports.name(number));
    }
}
