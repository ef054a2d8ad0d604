package io.turnstile.offload;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.TcpState;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.TcpView;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.packet.IpProtocols;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The reader takes connections from the tracker and makes the SPI's views of them. Threads: one at a time. */
final class ConnViewReader {
    /** Who chooses addresses and ports is not to choose where they collide. */
    private static final long SEED = new SecureRandom().nextLong();

    private final Conntrack tracker;
    private final PortDirectory ports;
    private ConnectionSnapshot snapshot = new ConnectionSnapshot();

    ConnViewReader(Conntrack tracker, PortDirectory ports) {
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

    /** Has the reader at a connection that was read elsewhere. */
    void show(ConnectionSnapshot read) {
        snapshot = read;
    }

    /** The connection read last has left the tracker's table, and somebody still holds its entry. */
    boolean isRemoved() {
        return snapshot.removed;
    }

    /** Of the connection read last. */
    boolean isEstablished() {
        return snapshot.established;
    }

    /** Whether a helper has to read the payload of the connection read last. */
    ConnectionSnapshot.Control control() {
        return snapshot.control;
    }

    /** What the connection read last claims at {@link TupleClaims}: its original tuple, whichever way it is read. */
    long originalKey() {
        return key(snapshot.original, false);
    }

    /** The same of the reply tuple; 0 if it is the original one turned round. */
    long translatedKey() {
        long reply = key(snapshot.reply, true);
        return reply == originalKey() ? 0 : reply;
    }

    private long key(ConnectionSnapshot.Tuple t, boolean isReply) {
        long source = mixed(mixed(t.sourceHigh, t.sourceLow), t.sourcePort);
        long destination = mixed(mixed(t.destinationHigh, t.destinationLow), t.destinationPort);
        boolean turned;
        int icmp;
        if (snapshot.protocol == IpProtocols.ICMP || snapshot.protocol == IpProtocols.ICMPV6) {
            // Two hosts that ask each other under one identifier have two connections: who asks makes the difference.
            turned = isReply;
            icmp = t.icmpId << Byte.SIZE | snapshot.original.icmpType;
        } else {
            turned = source > destination;
            icmp = 0;
        }
        long kind = (long) snapshot.zone << Integer.SIZE | (long) snapshot.protocol << 1 | (snapshot.ipv6 ? 1 : 0);
        long tuple = turned ? mixed(destination, source) : mixed(source, destination);
        long key = mixed(mixed(tuple, icmp), kind ^ SEED);
        return key == 0 ? 1 : key;
    }

    /** A step of a mixing that spreads every bit over all of them (Stafford's variant 13 of MurmurHash3's end). */
    private static long mixed(long first, long second) {
        long x = first * 0x9e37_79b9_7f4a_7c15L + second;
        x = (x ^ x >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        x = (x ^ x >>> 27) * 0x94d0_49bb_1331_11ebL;
        return x ^ x >>> 31;
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
                ports.port(c.originalInPort),
                c.replySeen ? ports.port(c.replyInPort) : null,
                c.established,
                c.protocol == IpProtocols.TCP ? tcp(c) : null,
                TimeUnit.NANOSECONDS.toMillis(Math.max(0, c.timeLeftNs)),
                TimeUnit.NANOSECONDS.toMillis(c.timeoutNs),
                helper(c.alg),
                c.parentId,
                c.hasParent ? tuple(c.parent) : null);
    }

    private static @Nullable String helper(Alg alg) {
        return switch (alg) {
            case NONE -> null;
            case FTP -> "ftp";
            case TFTP -> "tftp";
        };
    }

    private static TcpView tcp(ConnectionSnapshot c) {
        return new TcpView(
                new TcpView.Peer(
                        state(c.originalTcpState),
                        c.originalTcpSentEnd,
                        c.originalTcpAllowedEnd,
                        c.originalTcpWindow,
                        scale(c.originalTcpScale, c.originalTcpFlags)),
                new TcpView.Peer(
                        state(c.replyTcpState),
                        c.replyTcpSentEnd,
                        c.replyTcpAllowedEnd,
                        c.replyTcpWindow,
                        scale(c.replyTcpScale, c.replyTcpFlags)));
    }

    private static int scale(int scale, int flags) {
        return (flags & ConnectionSnapshot.TCP_FLAG_BE_LIBERAL) != 0 ? -1 : scale;
    }

    private static TcpView.State state(TcpState state) {
        return switch (state) {
            case CLOSED, LISTEN -> TcpView.State.CLOSED;
            case SYN_SENT, SYN_RECV -> TcpView.State.SYN_SENT;
            case ESTABLISHED -> TcpView.State.ESTABLISHED;
            case CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK -> TcpView.State.CLOSING;
            case FIN_WAIT_2 -> TcpView.State.FIN_WAIT_2;
            case TIME_WAIT -> TcpView.State.TIME_WAIT;
        };
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
}
