package io.turnstile.bench.traffic;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Small datagrams one way, of one connection that has been answered before. {@code serve PORT READY-FILE} answers
 * greetings until the stream begins, and reads nothing from then on; it runs until it is ended. {@code send ADDRESS
 * PORT GREETING-SECONDS SECONDS} exchanges greetings, then sends as fast as one thread can.
 */
public final class UdpStream {
    private static final int PAYLOAD_BYTES = 18; // a 60-byte frame: the smallest on a wire
    private static final byte GREETING = 1;
    private static final byte BEGIN = 2;
    private static final long GREETING_INTERVAL_NS = 5_000_000;
    private static final int CLOCK_EVERY = 256;

    private UdpStream() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        switch (args[0]) {
            case "serve" -> serve(Integer.parseInt(args[1]), Path.of(args[2]));
            case "send" ->
                send(
                        new InetSocketAddress(InetAddress.getByName(args[1]), Integer.parseInt(args[2])),
                        Integer.parseInt(args[3]),
                        Integer.parseInt(args[4]));
            default -> throw new IllegalArgumentException("serve … | send …");
        }
    }

    private static void serve(int port, Path readyFile) throws IOException, InterruptedException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.bind(new InetSocketAddress(port));
            Files.createFile(readyFile);
            ByteBuffer packet = ByteBuffer.allocateDirect(PAYLOAD_BYTES);
            SocketAddress from;
            do {
                from = channel.receive(packet.clear());
                channel.send(packet.flip(), from);
            } while (packet.get(0) == GREETING);
            Thread.currentThread().join(); // unread on purpose: the far device's counter is the measure
        }
    }

    private static void send(InetSocketAddress to, int greetingSeconds, int seconds) throws IOException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(to);
            ByteBuffer payload = ByteBuffer.allocateDirect(PAYLOAD_BYTES);
            for (long end = after(greetingSeconds); System.nanoTime() - end < 0; ) {
                channel.write(payload.clear().put(0, GREETING));
                LockSupport.parkNanos(GREETING_INTERVAL_NS);
            }
            payload.put(0, BEGIN);
            System.out.println("flows");
            long end = after(seconds);
            for (long sent = 0; sent % CLOCK_EVERY != 0 || System.nanoTime() - end < 0; sent++) {
                channel.write(payload.clear());
            }
        }
    }

    private static long after(int seconds) {
        return System.nanoTime() + seconds * 1_000_000_000L;
    }
}
