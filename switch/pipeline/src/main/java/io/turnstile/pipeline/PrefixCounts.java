package io.turnstile.pipeline;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How many rules of a sub-table have the same values up to a stage of the lookup. Threads: as the sub-table's. */
final class PrefixCounts {
    private static final class Prefix extends HashChains.Node {
        private int rules = 1;

        Prefix(long hash) {
            super(hash);
        }
    }

    private final HashChains<Prefix> prefixes = new HashChains<>();

    private @Nullable Prefix find(long hash) {
        Prefix prefix = prefixes.first(hash);
        while (prefix != null && prefix.hash != hash) {
            prefix = prefixes.next(prefix);
        }
        return prefix;
    }

    boolean contains(long hash) {
        return find(hash) != null;
    }

    void add(long hash) {
        Prefix present = find(hash);
        if (present == null) {
            prefixes.link(new Prefix(hash));
        } else {
            present.rules++;
        }
    }

    void remove(long hash) {
        Prefix present = Objects.requireNonNull(find(hash), "what is taken away was added");
        present.rules--;
        if (present.rules == 0) {
            prefixes.unlink(present);
        }
    }
}
