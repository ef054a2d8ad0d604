package io.turnstile.bench.traffic;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Small UDP packets one way. {@code sink PORT SECONDS} holds the socket open so that nobody answers with ICMP;
 * {@code send ADDRESS PORT SECONDS} sends as fast as one thread can and prints how many.
 */
public final class UdpFlood {
    private static final int PAYLOAD_BYTES = 18; // a 60-byte frame: the smallest on a wire
    private static final int CLOCK_EVERY = 256;

    private UdpFlood() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        switch (args[0]) {
            case "sink" -> sink(Integer.parseInt(args[1]), Integer.parseInt(args[2]), Path.of(args[3]));
            case "send" -> System.out.println(send(args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3])));
            default -> throw new IllegalArgumentException("sink PORT SECONDS READY-FILE | send ADDRESS PORT SECONDS");
        }
    }

    private static void sink(int port, int seconds, Path readyFile) throws IOException, InterruptedException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.bind(new InetSocketAddress(port));
            Files.createFile(readyFile);
            Thread.sleep(seconds * 1000L); // unread on purpose: the far device's counter is the measure
        }
    }

    private static long send(String address, int port, int seconds) throws IOException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(new InetSocketAddress(InetAddress.getByName(address), port));
            ByteBuffer payload = ByteBuffer.allocateDirect(PAYLOAD_BYTES);
            long end = System.nanoTime() + seconds * 1_000_000_000L;
            long sent = 0;
            while (sent % CLOCK_EVERY != 0 || System.nanoTime() - end < 0) {
                payload.clear();
                channel.write(payload);
                sent++;
            }
            return sent;
        }
    }
}
