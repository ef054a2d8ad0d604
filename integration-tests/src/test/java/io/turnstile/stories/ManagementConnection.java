package io.turnstile.stories;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.HexFormat;

/** Speaks OpenFlow of one version with a bridge, in bytes. One thread. */
final class ManagementConnection implements AutoCloseable {
    private static final int HEADER_BYTES = 8;
    private static final int ERROR = 1;
    private static final int ECHO_REQUEST = 2;
    private static final int OF10 = 1;
    private static final int EXPERIMENTER = 0xffff;
    private static final int NICIRA_VENDOR_ERROR = 0xb0c2;

    private final SocketChannel channel;
    private final int version;

    ManagementConnection(Path socket, int version) {
        this.version = version;
        try {
            channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        send(new byte[] {(byte) version, 0, 0, HEADER_BYTES, 0, 0, 0, 1});
    }

    /** Returns what comes of the message: type and code of an error, as hexadecimal digits, or {@code accepted}. */
    String ask(byte[] message) {
        int barrier = version == OF10 ? 18 : 20;
        send(message);
        send(new byte[] {(byte) version, (byte) barrier, 0, HEADER_BYTES, 0, 0, 0, 2});
        String answer = "accepted";
        for (ByteBuffer reply = receive(); reply.get(1) != barrier + 1; reply = receive()) {
            switch (reply.get(1)) {
                case ERROR -> answer = error(reply);
                case ECHO_REQUEST ->
                    send(reply.put(1, (byte) (ECHO_REQUEST + 1)).array());
                default -> {
                    // Greetings.
                }
            }
        }
        return answer;
    }

    private static String error(ByteBuffer reply) {
        int type = reply.getShort(HEADER_BYTES) & 0xffff;
        int told = type == EXPERIMENTER ? 8 : type == NICIRA_VENDOR_ERROR ? 12 : 4;
        return "error " + HexFormat.of().formatHex(reply.array(), HEADER_BYTES, HEADER_BYTES + told);
    }

    private void send(byte[] message) {
        try {
            ByteBuffer out = ByteBuffer.wrap(message);
            while (out.hasRemaining()) {
                channel.write(out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ByteBuffer receive() {
        ByteBuffer header = fill(ByteBuffer.allocate(HEADER_BYTES));
        int length = header.getShort(2) & 0xffff;
        return fill(ByteBuffer.allocate(length).put(header.array())).rewind();
    }

    private ByteBuffer fill(ByteBuffer buffer) {
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer) < 0) {
                    throw new EOFException("the switch hung up");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return buffer;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
