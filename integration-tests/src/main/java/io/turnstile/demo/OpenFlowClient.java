package io.turnstile.demo;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * The client adds flows over OpenFlow 1.3, one connection, blocking. An error message of the switch becomes an
 * {@link IOException}.
 */
final class OpenFlowClient implements AutoCloseable {
    private static final int HELLO = 0;
    private static final int ERROR = 1;
    private static final int BARRIER_REQUEST = 20;
    private static final int BARRIER_REPLY = 21;

    private final SocketChannel channel;
    private final DataInputStream in;
    private int xid;

    OpenFlowClient(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        in = new DataInputStream(Channels.newInputStream(channel));
        sendEmpty(HELLO);
        awaitType(HELLO);
    }

    /** @param flow as ovs-ofctl add-flow takes it */
    void addFlow(String flow) throws IOException {
        ByteBuf out = Unpooled.buffer();
        try {
            FlowModCodec.write13(out, FlowText.parseFlowMod(FlowMod.Command.ADD, flow), ++xid);
        } catch (FlowTextException e) {
            throw new IOException(e.getMessage(), e);
        }
        send(out);
    }

    /** Returns when everything sent before is in force, or throws what the switch refused. */
    void barrier() throws IOException {
        sendEmpty(BARRIER_REQUEST);
        awaitType(BARRIER_REPLY);
    }

    private void sendEmpty(int type) throws IOException {
        ByteBuf out = Unpooled.buffer();
        Wire.endMessage(out, Wire.startMessage(out, WireVersion.OF13, type, ++xid));
        send(out);
    }

    private void send(ByteBuf message) throws IOException {
        ByteBuffer bytes = message.nioBuffer();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private void awaitType(int wanted) throws IOException {
        for (; ; ) {
            in.readUnsignedByte();
            int type = in.readUnsignedByte();
            int length = in.readUnsignedShort();
            in.readInt();
            byte[] body = in.readNBytes(length - Wire.HEADER_BYTES);
            if (type == ERROR) {
                ByteBuffer error = ByteBuffer.wrap(body);
                throw new IOException(
                        "the switch refuses: error type %d code %d".formatted(error.getShort(), error.getShort()));
            }
            if (type == wanted) {
                return;
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
