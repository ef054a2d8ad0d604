package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.GroupCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SwitchChange;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
     * @param message a whole modification of flows or groups, which can be read
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

    /** The messages as changes of flows and groups, each read when it is asked for; best asked for in order. */
    List<SwitchChange> changes() {
        return new AbstractList<>() {
            @Override
            public SwitchChange get(int index) {
                try {
                    return read(message(index), version);
                } catch (OfException e) {
                    throw new IllegalStateException("a bundled message that could be read can be no more", e);
                }
            }

            @Override
            public int size() {
                return size;
            }
        };
    }

    /** Reads a whole message as a change of flows or groups. */
    static SwitchChange read(ByteBuf message, WireVersion version) throws OfException {
        ByteBuf body =
                message.slice(message.readerIndex() + Wire.HEADER_BYTES, message.readableBytes() - Wire.HEADER_BYTES);
        return message.getUnsignedByte(message.readerIndex() + Wire.TYPE_OFFSET)
                        == MessageType.GROUP_MOD.number(version)
                ? GroupCodec.read(body, version)
                : FlowModCodec.read13(body, version);
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
