package io.turnstile.bench.traffic;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Numbered datagrams to and fro, a steady trickle that shows every pause of what carries it. {@code serve PORT
 * READY-FILE} sends back what comes; {@code run ADDRESS PORT INTERVAL-MS} sends one each interval and prints a line a
 * second: the second since the epoch, sent, come back, the longest time without an answer in ms, and the 99th
 * percentile of the round trips in us. Both run until they are ended.
 */
public final class EchoProbe {
    private static final int MOST_A_SECOND = 10_000;

    private EchoProbe() {}

    public static void main(String[] args) throws IOException {
        switch (args[0]) {
            case "serve" -> serve(Integer.parseInt(args[1]), Path.of(args[2]));
            case "run" -> new EchoProbe().run(args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]));
            default -> throw new IllegalArgumentException("serve PORT READY-FILE | run ADDRESS PORT INTERVAL-MS");
        }
    }

    private static void serve(int port, Path readyFile) throws IOException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.bind(new InetSocketAddress(port));
            Files.createFile(readyFile);
            ByteBuffer packet = ByteBuffer.allocateDirect(64);
            while (true) {
                packet.clear();
                SocketAddress from = channel.receive(packet);
                packet.flip();
                try {
                    channel.send(packet, from);
                } catch (IOException e) {
                    // The way back is closed for now: lost, and counted by who asked.
                }
            }
        }
    }

    private final long[] roundTripsNs = new long[MOST_A_SECOND];
    private int answered;
    private int sent;
    private long lastAnswerNs;
    private long longestGapNs;

    private void run(String address, int port, int intervalMs) throws IOException {
        try (DatagramChannel channel = DatagramChannel.open();
                Selector selector = Selector.open()) {
            channel.configureBlocking(false);
            channel.connect(new InetSocketAddress(InetAddress.getByName(address), port));
            channel.register(selector, SelectionKey.OP_READ);
            ByteBuffer packet = ByteBuffer.allocateDirect(64);
            long intervalNs = intervalMs * 1_000_000L;
            long nextNs = System.nanoTime();
            lastAnswerNs = nextNs;
            long second = System.currentTimeMillis() / 1000;
            while (true) {
                long nowNs = System.nanoTime();
                if (nowNs - nextNs >= 0) {
                    send(channel, packet, nowNs);
                    nextNs = Math.max(nextNs + intervalNs, nowNs); // what was missed is not made up for in a burst
                }
                selector.select(Math.max(1, (nextNs - System.nanoTime()) / 1_000_000));
                selector.selectedKeys().clear();
                receive(channel, packet);
                longestGapNs = Math.max(longestGapNs, System.nanoTime() - lastAnswerNs);
                long nowSecond = System.currentTimeMillis() / 1000;
                if (nowSecond != second) {
                    report(second);
                    second = nowSecond;
                }
            }
        }
    }

    private void send(DatagramChannel channel, ByteBuffer packet, long nowNs) {
        packet.clear().putLong(nowNs).putLong(sent).flip();
        try {
            channel.write(packet);
        } catch (IOException e) {
            // ICMP says that nobody is there: it counts as lost.
        }
        sent++;
    }

    private void receive(DatagramChannel channel, ByteBuffer packet) {
        try {
            while (channel.read(packet.clear()) > 0) {
                long nowNs = System.nanoTime();
                roundTripsNs[answered % MOST_A_SECOND] = nowNs - packet.getLong(0);
                answered++;
                lastAnswerNs = nowNs;
            }
        } catch (IOException e) {
            // As above.
        }
    }

    private void report(long second) {
        long[] sorted = Arrays.copyOf(roundTripsNs, Math.min(answered, MOST_A_SECOND));
        Arrays.sort(sorted);
        long p99Ns = sorted.length == 0 ? 0 : sorted[sorted.length * 99 / 100];
        System.out.printf("%d %d %d %d %d%n", second, sent, answered, longestGapNs / 1_000_000, p99Ns / 1_000);
        sent = 0;
        answered = 0;
        longestGapNs = 0;
    }
}
