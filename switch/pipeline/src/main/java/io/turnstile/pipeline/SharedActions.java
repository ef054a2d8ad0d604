package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.OfAction;
import java.lang.ref.WeakReference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The lists of actions that flows were given last, so that flows with equal actions share one list: of a million flows
 * few have actions of their own. Remembers {@link #SIZE} lists, and none that no flow has any more.
 *
 * <p>Threads: whoever holds the change lock.
 */
final class SharedActions {
    /** A power of two. */
    private static final int SIZE = 1024;

    private final @Nullable WeakReference<List<OfAction>>[] recent = newArray();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static WeakReference<List<OfAction>>[] newArray() {
        return new WeakReference[SIZE];
    }

    /** An immutable list that is equal to this one. */
    List<OfAction> share(List<OfAction> actions) {
        int hash = actions.hashCode();
        int slot = (hash ^ hash >>> 16) & SIZE - 1;
        WeakReference<List<OfAction>> reference = recent[slot];
        List<OfAction> known = reference == null ? null : reference.get();
        if (known != null && known.equals(actions)) {
            return known;
        }
        List<OfAction> copy = List.copyOf(actions);
        recent[slot] = new WeakReference<>(copy);
        return copy;
    }
}
