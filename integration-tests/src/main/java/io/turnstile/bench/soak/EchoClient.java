package io.turnstile.bench.soak;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A client that asks for nothing but a sign of life, on one connection that is made anew when it has ended. Threads:
 * one.
 */
abstract class EchoClient {
    private final Path socket;
    private final Latencies latencies;
    private @Nullable SocketChannel channel;
    private @Nullable DataInputStream in;

    EchoClient(Path socket, Latencies latencies) {
        this.socket = socket;
        this.latencies = latencies;
    }

    /** Bytes that greet; they are answered by {@link #readGreeting}. */
    abstract byte[] greeting();

    abstract void readGreeting(DataInputStream in) throws IOException;

    abstract byte[] question();

    abstract void readAnswer(DataInputStream in) throws IOException;

    /** Asks once and notes how long the answer took. */
    void ask() throws IOException {
        try {
            DataInputStream from = in == null ? connect() : in;
            long beganNs = System.nanoTime();
            write(question());
            readAnswer(from);
            latencies.add(System.nanoTime() - beganNs);
        } catch (IOException e) {
            disconnect();
            throw e;
        }
    }

    private DataInputStream connect() throws IOException {
        SocketChannel opened = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        channel = opened;
        DataInputStream from = new DataInputStream(Channels.newInputStream(opened));
        in = from;
        write(greeting());
        readGreeting(from);
        return from;
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        SocketChannel to = channel;
        while (to != null && buffer.hasRemaining()) {
            to.write(buffer);
        }
    }

    void disconnect() throws IOException {
        if (channel != null) {
            channel.close();
        }
        channel = null;
        in = null;
    }

    /** OpenFlow 1.3: hello, then echo requests. */
    static EchoClient openFlow(Path socket, Latencies latencies) {
        return new EchoClient(socket, latencies) {
            @Override
            byte[] greeting() {
                return OpenFlowBytes.message(OpenFlowBytes.HELLO);
            }

            @Override
            void readGreeting(DataInputStream in) throws IOException {
                OpenFlowBytes.readUntil(in, OpenFlowBytes.HELLO);
            }

            @Override
            byte[] question() {
                return OpenFlowBytes.message(OpenFlowBytes.ECHO_REQUEST);
            }

            @Override
            void readAnswer(DataInputStream in) throws IOException {
                OpenFlowBytes.readUntil(in, OpenFlowBytes.ECHO_REPLY);
            }
        };
    }

    /** RFC 7047 §4.1.11. */
    static EchoClient ovsdb(Path socket, Latencies latencies) {
        return json(socket, latencies, "{\"id\":\"soak\",\"method\":\"echo\",\"params\":[]}");
    }

    /** {@code ovs-appctl version}. */
    static EchoClient control(Path socket, Latencies latencies) {
        return json(socket, latencies, "{\"id\":0,\"method\":\"version\",\"params\":[]}");
    }

    private static EchoClient json(Path socket, Latencies latencies, String question) {
        return new EchoClient(socket, latencies) {
            @Override
            byte[] greeting() {
                return new byte[0];
            }

            @Override
            void readGreeting(DataInputStream in) {
                // There is none.
            }

            @Override
            byte[] question() {
                return question.getBytes(StandardCharsets.UTF_8);
            }

            @Override
            void readAnswer(DataInputStream in) throws IOException {
                readObject(in);
            }
        };
    }

    /** Reads one JSON object whose strings have no braces in them. */
    private static void readObject(InputStream in) throws IOException {
        int depth = 0;
        do {
            int next = in.read();
            if (next < 0) {
                throw new EOFException("the switch hung up");
            }
            depth += next == '{' ? 1 : next == '}' ? -1 : 0;
        } while (depth > 0);
    }
}
