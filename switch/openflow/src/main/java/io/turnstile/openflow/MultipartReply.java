package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.wire.Wire;
import java.util.function.Consumer;

/**
 * A statistics reply in as many messages as its entries need, each below 64 KB, all but the last marked "more follows".
 */
final class MultipartReply {
    private static final int STATS_REPLY10 = 17;
    private static final int MULTIPART_REPLY = 19;
    private static final int MORE = 1;
    private static final int FLAGS_OFFSET = 10;
    /** Below 64 KB; replies this long also keep the time to the first byte short. */
    private static final int LIMIT_BYTES = 60_000;

    private final Reply reply;
    private final int type;
    private final int[] vendorWords;
    private ByteBuf message;
    private int headSize;

    /** @param vendorWords for type 0xffff what stands before the entries: vendor, subtype, padding */
    MultipartReply(Reply reply, int type, int... vendorWords) {
        this.reply = reply;
        this.type = type;
        this.vendorWords = vendorWords;
        start();
    }

    private void start() {
        message = reply.buffer();
        boolean oxm = reply.version().isOxm();
        Wire.startMessage(message, reply.version(), oxm ? MULTIPART_REPLY : STATS_REPLY10, reply.xid());
        message.writeShort(type).writeShort(0);
        if (oxm) {
            message.writeInt(0);
        }
        for (int word : vendorWords) {
            message.writeInt(word);
        }
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
        reply.send(message);
    }
}
