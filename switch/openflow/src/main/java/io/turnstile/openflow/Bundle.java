package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.GroupCodec;
import io.turnstile.openflow.wire.PacketOutCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SwitchChange;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.projectfloodlight.openflow.protocol.OFPortMod;

/**
 * A bundle that is being filled (OpenFlow 1.5.1 §6.9): its messages' bytes, one behind the other in large chunks. A
 * flow modification that is read is several times as large as it was on the wire, so each is read once to see whether
 * it can be, thrown away, and read again when its turn comes in the commit.
 *
 * <p>Threads: one at a time.
 */
final class Bundle implements AutoCloseable {
    static final int MAX_MESSAGES = 1_000_000;

    private static final int FIRST_CHUNK_BYTES = 4 << 10;
    private static final int CHUNK_BYTES = 256 << 10;

    /** Messages that stand together, none of them cut in two. */
    private static final class Chunk {
        private final byte[] bytes;
        /** The number in the bundle of the first message. */
        private final int firstIndex;

        private int usedBytes;

        Chunk(int sizeBytes, int firstIndex) {
            this.bytes = new byte[sizeBytes];
            this.firstIndex = firstIndex;
        }

        int lengthAt(int offset) {
            return (bytes[offset + Wire.LENGTH_OFFSET] & 0xff) << 8 | bytes[offset + Wire.LENGTH_OFFSET + 1] & 0xff;
        }
    }

    private final ByteBudget budget;
    private final int flags;
    private final WireVersion version;
    /** What made the bundle, quoted when it times out. */
    private final byte[] opening;

    private final List<Chunk> chunks = new ArrayList<>();
    private long takenBytes;
    private int size;
    private boolean closed;
    private boolean incomplete;
    private long usedNs;
    private int firstPortMod = -1;
    // Where the message that was asked for last stands: mostly the next one is asked for.
    private int cursorChunk;
    private int cursorIndex;
    private int cursorOffset;

    private Bundle(ByteBudget budget, int flags, WireVersion version, byte[] opening, long nowNs) {
        this.budget = budget;
        this.flags = flags;
        this.version = version;
        this.opening = opening;
        this.takenBytes = opening.length;
        this.usedNs = nowNs;
    }

    /**
     * An empty bundle.
     *
     * @param budget what all bundles of the process share
     * @param opening the message that makes it
     * @throws OfException if the budget has not even room for that
     */
    static Bundle open(ByteBudget budget, int flags, WireVersion version, ByteBuf opening, long nowNs)
            throws OfException {
        byte[] quoted = new byte[opening.readableBytes()];
        opening.getBytes(opening.readerIndex(), quoted);
        if (!budget.take(quoted.length)) {
            throw new OfException(OfErrorCode.OFPBFC_OUT_OF_BUNDLES, "bundles have no more memory");
        }
        return new Bundle(budget, flags, version, quoted, nowNs);
    }

    int flags() {
        return flags;
    }

    /** The message that made it. */
    ByteBuf opening() {
        return Unpooled.wrappedBuffer(opening);
    }

    /** How many messages there are. */
    int size() {
        return size;
    }

    /** The number of the first message that changes a port; negative if there is none. */
    int firstPortMod() {
        return firstPortMod;
    }

    /** What it takes of the budget. */
    long takenBytes() {
        return takenBytes;
    }

    /** Somebody has spoken of it, or would have if he had been heard. */
    void touch(long nowNs) {
        usedNs = nowNs;
    }

    /** A message is missing that should be there: it cannot be committed any more. */
    void miss() {
        incomplete = true;
    }

    boolean isIncomplete() {
        return incomplete;
    }

    boolean isClosed() {
        return closed;
    }

    /** Nothing is added any more. */
    void closeToAdditions(long nowNs) {
        closed = true;
        usedNs = nowNs;
    }

    /** Whether nothing was said of it for so long. */
    boolean isIdle(long nowNs, long idleNs) {
        return nowNs - usedNs >= idleNs;
    }

    /**
     * Adds a message.
     *
     * @param message a whole message that may be bundled, which can be read
     * @throws OfException if there are too many, or the budget has no room for it
     */
    void add(ByteBuf message, long nowNs) throws OfException {
        if (size >= MAX_MESSAGES) {
            throw new OfException(OfErrorCode.OFPBFC_MSG_TOO_MANY, "more than " + MAX_MESSAGES + " messages");
        }
        int length = message.readableBytes();
        Chunk last = chunks.isEmpty() ? null : chunks.getLast();
        if (last == null || last.bytes.length - last.usedBytes < length) {
            last = grow(last, length);
        }
        message.getBytes(message.readerIndex(), last.bytes, last.usedBytes, length);
        last.usedBytes += length;
        int type = message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET);
        if (firstPortMod < 0 && type == MessageType.PORT_MOD.number(version)) {
            firstPortMod = size;
        }
        size++;
        usedNs = nowNs;
    }

    private Chunk grow(@Nullable Chunk last, int neededBytes) throws OfException {
        int wanted = last == null ? FIRST_CHUNK_BYTES : Math.min(CHUNK_BYTES, last.bytes.length * 4);
        int sizeBytes = Math.max(wanted, neededBytes);
        if (!budget.take(sizeBytes)) {
            throw new OfException(
                    OfErrorCode.OFPBFC_MSG_TOO_MANY, "all bundles together have " + budget.limitBytes() + " bytes");
        }
        takenBytes += sizeBytes;
        Chunk next = new Chunk(sizeBytes, size);
        chunks.add(next);
        return next;
    }

    /** A message as it came; valid as long as the bundle is. */
    ByteBuf message(int index) {
        moveTo(index);
        Chunk chunk = chunks.get(cursorChunk);
        return Unpooled.wrappedBuffer(chunk.bytes, cursorOffset, chunk.lengthAt(cursorOffset));
    }

    private void moveTo(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException(index + " of " + size);
        }
        if (index < cursorIndex || index >= endOf(cursorChunk)) {
            cursorChunk = chunkOf(index);
            cursorIndex = chunks.get(cursorChunk).firstIndex;
            cursorOffset = 0;
        }
        Chunk chunk = chunks.get(cursorChunk);
        for (; cursorIndex < index; cursorIndex++) {
            cursorOffset += chunk.lengthAt(cursorOffset);
        }
    }

    private int endOf(int chunk) {
        return chunk + 1 < chunks.size() ? chunks.get(chunk + 1).firstIndex : size;
    }

    private int chunkOf(int index) {
        int low = 0;
        int high = chunks.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (chunks.get(middle).firstIndex <= index) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** The messages as changes, each read when it is asked for. */
    Changes changes() {
        return new Changes();
    }

    /** A place among the messages. */
    final class Changes implements Iterator<SwitchChange> {
        private int next;

        @Override
        public boolean hasNext() {
            return next < size;
        }

        @Override
        public SwitchChange next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            try {
                return read(message(next++), version);
            } catch (OfException e) {
                throw new IllegalStateException("a bundled message that could be read can be no more", e);
            }
        }

        /** The transaction id of the message that was read last. */
        int xid() {
            return message(next - 1).getInt(Wire.XID_OFFSET);
        }
    }

    /** Reads a whole message as a change that may be bundled. */
    static SwitchChange read(ByteBuf message, WireVersion version) throws OfException {
        ByteBuf body =
                message.slice(message.readerIndex() + Wire.HEADER_BYTES, message.readableBytes() - Wire.HEADER_BYTES);
        MessageType type = MessageType.received(
                MessageNumber.Space.TYPE, version, message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET));
        return switch (type) {
            case FLOW_MOD -> FlowModCodec.read13(body, version);
            case GROUP_MOD -> GroupCodec.read(body, version);
            case PACKET_OUT -> PacketOutCodec.read(body, version);
            case PORT_MOD -> PortMessages.modification(Request.parse(message, OFPortMod.class));
            case null, default ->
                throw new OfException(
                        OfErrorCode.OFPBFC_MSG_UNSUP,
                        "only flow, group and port modifications and packets are bundled");
        };
    }

    /** Gives its memory back to the budget. */
    @Override
    public void close() {
        budget.give(takenBytes);
        takenBytes = 0;
        chunks.clear();
        size = 0;
    }
}
