package io.turnstile.bench.traffic;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * {@code ADDRESS PORT WARM-UP-SECONDS SECONDS}: a datagram at a time to an {@link EchoProbe} and back, with a pause
 * between them; prints the median and the 99th percentile of the round trips, ns. What is lost is not counted.
 */
public final class EchoTime {
    private static final long PAUSE_NS = 500_000;
    private static final int PATIENCE_MS = 1_000;
    private static final int MOST_A_SECOND = 10_000;

    private EchoTime() {}

    public static void main(String[] args) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(InetAddress.getByName(args[0]), Integer.parseInt(args[1]));
            socket.setSoTimeout(PATIENCE_MS);
            roundTrips(socket, Integer.parseInt(args[2]));
            long[] measuredNs = roundTrips(socket, Integer.parseInt(args[3]));
            Arrays.sort(measuredNs);
            System.out.println(measuredNs[measuredNs.length / 2] + " " + measuredNs[measuredNs.length * 99 / 100]);
        }
    }

    private static long[] roundTrips(DatagramSocket socket, int seconds) throws IOException {
        long[] tookNs = new long[seconds * MOST_A_SECOND];
        int length = 0;
        DatagramPacket packet = new DatagramPacket(new byte[8], 8);
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        for (long number = 0; System.nanoTime() - end < 0 && length < tookNs.length; number++) {
            long sentNs = System.nanoTime();
            ByteBuffer.wrap(packet.getData()).putLong(number);
            socket.send(packet);
            try {
                do {
                    socket.receive(packet);
                } while (ByteBuffer.wrap(packet.getData()).getLong() != number); // an answer that came too late
                tookNs[length++] = System.nanoTime() - sentNs;
            } catch (SocketTimeoutException e) {
                // Lost: the next one.
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
        return Arrays.copyOf(tookNs, length);
    }
}
