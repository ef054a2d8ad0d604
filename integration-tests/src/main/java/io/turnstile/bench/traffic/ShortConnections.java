package io.turnstile.bench.traffic;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * TCP connections that carry one small request and one small answer and close, as many as will go. {@code serve PORT
 * PORTS SECONDS READY-FILE} answers; {@code run ADDRESS PORT PORTS SECONDS THREADS} connects and prints the number of
 * whole exchanges.
 */
public final class ShortConnections {
    private static final byte[] REQUEST = new byte[64];
    private static final byte[] ANSWER = new byte[128];
    private static final int PATIENCE_MS = 3_000;

    private ShortConnections() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        switch (args[0]) {
            case "serve" ->
                serve(
                        Integer.parseInt(args[1]),
                        Integer.parseInt(args[2]),
                        Integer.parseInt(args[3]),
                        Path.of(args[4]));
            case "run" ->
                System.out.println(run(
                        args[1],
                        Integer.parseInt(args[2]),
                        Integer.parseInt(args[3]),
                        Integer.parseInt(args[4]),
                        Integer.parseInt(args[5])));
            default -> throw new IllegalArgumentException("serve … | run …");
        }
    }

    private static void serve(int firstPort, int ports, int seconds, Path readyFile)
            throws IOException, InterruptedException {
        for (int i = 0; i < ports; i++) {
            ServerSocket listener = new ServerSocket();
            listener.setReuseAddress(true);
            listener.bind(new InetSocketAddress(firstPort + i), 1024);
            Thread.ofPlatform().daemon().start(() -> answer(listener));
        }
        Files.createFile(readyFile);
        Thread.sleep(seconds * 1000L);
    }

    private static void answer(ServerSocket listener) {
        while (true) {
            try (Socket socket = listener.accept()) {
                socket.setSoTimeout(PATIENCE_MS);
                if (socket.getInputStream().readNBytes(REQUEST.length).length == REQUEST.length) {
                    socket.getOutputStream().write(ANSWER);
                }
            } catch (IOException e) {
                // One exchange is lost: the client does not count it.
            }
        }
    }

    private static long run(String address, int firstPort, int ports, int seconds, int threads)
            throws IOException, InterruptedException {
        InetAddress server = InetAddress.getByName(address);
        LongAdder whole = new LongAdder();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            InetSocketAddress target = new InetSocketAddress(server, firstPort + i % ports);
            workers.add(Thread.ofPlatform().start(() -> {
                while (System.nanoTime() - end < 0) {
                    if (exchange(target)) {
                        whole.increment();
                    }
                }
            }));
        }
        for (Thread worker : workers) {
            worker.join();
        }
        return whole.sum();
    }

    private static boolean exchange(InetSocketAddress target) {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(PATIENCE_MS);
            socket.connect(target, PATIENCE_MS);
            socket.getOutputStream().write(REQUEST);
            InputStream in = socket.getInputStream();
            return in.readNBytes(ANSWER.length).length == ANSWER.length && in.read() < 0;
        } catch (IOException e) {
            return false;
        }
    }
}
