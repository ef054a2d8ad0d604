package io.turnstile.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * One TCP connection on which one side sends as fast as it can, with nothing but the JDK: {@code receive PORT} and
 * {@code send ADDRESS PORT}. Both run until they are ended.
 */
public final class Transfer {
    private static final int PIECE_BYTES = 1 << 17;

    private Transfer() {}

    public static void main(String[] args) throws IOException {
        switch (args[0]) {
            case "receive" -> receive(Integer.parseInt(args[1]));
            case "send" -> send(new InetSocketAddress(InetAddress.getByName(args[1]), Integer.parseInt(args[2])));
            default -> throw new IllegalArgumentException("receive PORT | send ADDRESS PORT");
        }
    }

    private static void receive(int port) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        try (ServerSocket listener = new ServerSocket(port)) {
            System.out.println("listens");
            try (Socket socket = listener.accept();
                    InputStream in = socket.getInputStream()) {
                int length;
                do {
                    length = in.read(piece);
                } while (length >= 0);
            }
        }
    }

    private static void send(InetSocketAddress to) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        try (Socket socket = new Socket(to.getAddress(), to.getPort());
                OutputStream out = socket.getOutputStream()) {
            while (true) {
                out.write(piece);
            }
        }
    }
}
