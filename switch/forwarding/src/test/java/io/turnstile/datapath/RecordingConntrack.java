package io.turnstile.datapath;

import io.turnstile.conntrack.ConnectionListener;
import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.TcpResume;
import io.turnstile.packet.PacketBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** A tracker that calls every packet tracked and new, and remembers how many came at once. */
class RecordingConntrack implements Conntrack {
    private static final int MOST_PORTS = 1000;

    final List<Integer> batchLengths = new ArrayList<>();
    /** By which port each tracked packet came in. */
    final List<Integer> inPorts = new ArrayList<>();
    /**
     * The port numbers of each walk that was to forget some; it asks of -1 too, which connections without port have.
     */
    final List<List<Integer>> forgotten = new CopyOnWriteArrayList<>();

    volatile Runnable duringForgetting = () -> {};
    boolean remembering = true;
    /** What it calls every packet. */
    int state = CtState.TRK | CtState.NEW;

    /** The connection that it finds for every packet; 0: none. */
    long connection;

    @Override
    public int track(PacketBatch packets, CtRequest request, long nowNs) {
        if (remembering) {
            batchLengths.add(packets.length());
        }
        for (int i = 0; i < packets.length(); i++) {
            if (remembering) {
                inPorts.add(packets.get(i).inPort());
            }
            packets.get(i).setConntrack(state, request.zone(), 0, 0, 0);
            packets.get(i).setCtConnection(connection);
        }
        return 0;
    }

    @Override
    public int flushMatching(Predicate<ConnectionSnapshot> filter, long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long sweep(long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int flush(Integer zone, long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int connectionCount() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean read(long connectionId, ConnectionSnapshot into, long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long scan(long cursor, int limit, ConnectionVisitor visitor, long nowNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setListener(ConnectionListener listener) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void release(long connectionId) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void extend(long connectionId, long lastUsedNs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean hold(long connectionId) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void unhold(long connectionId, TcpResume resume) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean awaitEstablished(long connectionId) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void forgetPorts(IntPredicate gone) {
        duringForgetting.run();
        forgotten.add(IntStream.range(-1, MOST_PORTS).filter(gone).boxed().toList());
    }
}
