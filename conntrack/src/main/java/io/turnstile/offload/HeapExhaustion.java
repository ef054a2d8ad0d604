package io.turnstile.offload;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The end of the Java machine's memory, which no containment of a provider's errors contains: whoever allocates next
 * fails as well. The program around is told, and can end with a word why. Where nobody wants to be told, the error is
 * one like any other.
 *
 * <p>Threads: any.
 */
public final class HeapExhaustion {
    /** The machine's own messages. What direct buffers or threads lack is no shortage of everybody. */
    private static final List<String> MESSAGES = List.of(
            "Java heap space",
            "Metaspace",
            "Compressed class space",
            "GC overhead limit exceeded",
            "Requested array size exceeds VM limit");

    /** A cause may be its own cause's cause. */
    private static final int MAX_DEPTH = 8;

    private static volatile @Nullable Consumer<OutOfMemoryError> handler;

    private HeapExhaustion() {}

    /**
     * Has {@code handler} told, on the thread that ran out of memory, before the error is dealt with as any other.
     *
     * @param handler should do with no allocation; null: nobody
     */
    public static void handleBy(@Nullable Consumer<OutOfMemoryError> handler) {
        HeapExhaustion.handler = handler;
    }

    /**
     * Whether this is the Java machine saying that there is no memory left. It throws that very class; one that is
     * derived from it is foreign code.
     */
    public static boolean is(Throwable thrown) {
        if (thrown.getClass() != OutOfMemoryError.class) {
            return false;
        }
        String said = thrown.getMessage();
        if (said != null) {
            for (int i = 0; i < MESSAGES.size(); i++) { // no iterator: there is no memory for one
                if (said.startsWith(MESSAGES.get(i))) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * To be called with every error that is contained, and every throwable of foreign code, which may have it as a
     * cause. Runs the throwable's code; may hang, but throws nothing of that.
     */
    public static void check(Throwable thrown) {
        Consumer<OutOfMemoryError> told = handler;
        Throwable cause = thrown;
        for (int depth = 0; told != null && cause != null && depth < MAX_DEPTH; depth++) {
            if (is(cause)) {
                told.accept((OutOfMemoryError) cause);
                return;
            }
            cause = causeOf(cause);
        }
    }

    private static @Nullable Throwable causeOf(Throwable thrown) {
        try {
            return thrown.getCause();
        } catch (Throwable e) { // contained: it is looked at in its place
            return e;
        }
    }
}
