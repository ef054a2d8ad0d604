package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.function.BiConsumer;

/** A list that is there already, one message after the other as the peer takes them. Event loop thread only. */
final class EntryDump<T> implements LongReply {
    private static final int BYTES_PER_ENTRY = 128;

    private final List<T> entries;
    private final MultipartReply parts;
    private final BiConsumer<ByteBuf, T> writer;
    private int next;

    /** @param writer writes one entry */
    EntryDump(List<T> entries, MultipartReply parts, BiConsumer<ByteBuf, T> writer) {
        this.entries = entries;
        this.parts = parts;
        this.writer = writer;
    }

    @Override
    public boolean proceed() {
        int sentBefore = parts.sent();
        while (next < entries.size()) {
            T entry = entries.get(next++);
            parts.add(out -> writer.accept(out, entry));
            if (parts.sent() != sentBefore) {
                return true;
            }
        }
        parts.finish();
        return false;
    }

    @Override
    public long heldBytes() {
        return (long) entries.size() * BYTES_PER_ENTRY;
    }

    @Override
    public void abandon() {
        parts.abandon();
    }
}
