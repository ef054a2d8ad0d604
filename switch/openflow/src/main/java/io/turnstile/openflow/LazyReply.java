package io.turnstile.openflow;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A reply that is not begun before there is something to be said. Event loop thread only. */
final class LazyReply {
    private final Supplier<MultipartReply> beginning;
    private @Nullable MultipartReply parts;

    LazyReply(Supplier<MultipartReply> beginning) {
        this.beginning = beginning;
    }

    /** One that is sent whether there is anything to be said or not. */
    static LazyReply begun(MultipartReply parts) {
        LazyReply reply = new LazyReply(() -> parts);
        reply.get();
        return reply;
    }

    MultipartReply get() {
        MultipartReply present = parts;
        if (present == null) {
            present = beginning.get();
            parts = present;
        }
        return present;
    }

    /** How many messages of it have been sent. */
    int sent() {
        return parts == null ? 0 : parts.sent();
    }

    /** Sends the rest; what comes after that begins anew. */
    void finish() {
        if (parts != null) {
            parts.finish();
            parts = null;
        }
    }

    void abandon() {
        if (parts != null) {
            parts.abandon();
            parts = null;
        }
    }
}
