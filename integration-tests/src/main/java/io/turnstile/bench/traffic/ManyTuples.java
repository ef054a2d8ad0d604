package io.turnstile.bench.traffic;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.locks.LockSupport;

/**
 * Datagrams each of which is a new connection: one after the other to each port from many sockets. {@code run ADDRESS
 * PER-SECOND} sends so many a second until it is ended; with 0 as fast as it can.
 */
public final class ManyTuples {
    private static final int SOCKETS = 64;
    private static final int FIRST_PORT = 10_000;
    private static final int PORTS = 50_000;
    private static final int BURST = 64;

    private ManyTuples() {}

    public static void main(String[] args) throws IOException {
        InetAddress address = InetAddress.getByName(args[0]);
        int perSecond = Integer.parseInt(args[1]);
        DatagramChannel[] channels = new DatagramChannel[SOCKETS];
        for (int i = 0; i < SOCKETS; i++) {
            channels[i] = DatagramChannel.open().bind(null);
        }
        ByteBuffer payload = ByteBuffer.allocateDirect(18);
        long startNs = System.nanoTime();
        for (long sent = 0; ; sent++) {
            InetSocketAddress to = new InetSocketAddress(address, FIRST_PORT + (int) (sent / SOCKETS % PORTS));
            try {
                channels[(int) (sent % SOCKETS)].send(payload.clear(), to);
            } catch (IOException e) {
                // Nobody answers, and now and then ICMP says so.
            }
            if (perSecond > 0 && sent % BURST == 0) {
                long dueNs = startNs + (long) (sent * 1e9 / perSecond);
                LockSupport.parkNanos(dueNs - System.nanoTime());
            }
        }
    }
}
