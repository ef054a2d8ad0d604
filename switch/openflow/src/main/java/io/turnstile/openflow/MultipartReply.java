package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import java.util.function.Consumer;

/**
 * A statistics reply in as many messages as its entries need, each below 64 KB, all but the last marked "more follows".
 */
final class MultipartReply {
    private static final int MORE = 1;
    private static final int FLAGS_OFFSET = 10;
    /** Below 64 KB; replies this long also keep the time to the first byte short. */
    private static final int LIMIT_BYTES = 60_000;

    private final Reply reply;
    private final MessageType type;
    private ByteBuf message;
    private int headSize;
    private int sent;

    /** @param type the statistics request that is answered */
    MultipartReply(Reply reply, MessageType type) {
        this.reply = reply;
        this.type = type;
        start();
    }

    private void start() {
        message = reply.buffer();
        MessageFraming.startStatistics(message, type, reply.version(), reply.xid());
        headSize = message.readableBytes();
    }

    /** Adds one entry. */
    void add(Consumer<ByteBuf> entry) {
        int before = message.writerIndex();
        entry.accept(message);
        if (message.readableBytes() > LIMIT_BYTES && before > headSize) {
            byte[] last = new byte[message.writerIndex() - before];
            message.getBytes(before, last);
            message.writerIndex(before);
            message.setShort(FLAGS_OFFSET, MORE);
            finish();
            start();
            message.writeBytes(last);
        }
    }

    void finish() {
        Wire.endMessage(message, 0);
        ByteBuf whole = message;
        message = Unpooled.EMPTY_BUFFER; // no longer ours, whatever comes of it
        reply.send(whole);
        sent++;
    }

    WireVersion version() {
        return reply.version();
    }

    /** How many messages have been sent. */
    int sent() {
        return sent;
    }

    /** Nothing more will be added or sent. */
    void abandon() {
        message.release();
    }
}
