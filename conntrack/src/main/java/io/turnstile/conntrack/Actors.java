package io.turnstile.conntrack;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The names of those who have connections removed, as small numbers: {@code appctl}, {@code openflow br0}. They are
 * few; beyond {@link #MOST} all are "others".
 *
 * <p>Threads: any.
 */
final class Actors {
    /** Nobody asked: it is the tracker's own doing. */
    static final int NOBODY = 0;

    static final int MOST = 1024;
    private static final int OTHERS = MOST - 1;

    private final Map<String, Integer> numbers = new ConcurrentHashMap<>();
    private final AtomicReferenceArray<@Nullable String> names = new AtomicReferenceArray<>(MOST);

    Actors() {
        names.set(OTHERS, "others");
    }

    int number(String name) {
        Integer known = numbers.get(name);
        return known != null ? known : add(name);
    }

    private synchronized int add(String name) {
        Integer known = numbers.get(name);
        if (known != null) {
            return known;
        }
        int next = numbers.size() + 1;
        if (next >= OTHERS) {
            return OTHERS;
        }
        names.set(next, name);
        numbers.put(name, next);
        return next;
    }

    /** Empty for {@link #NOBODY}. */
    String name(int number) {
        String name = number > NOBODY && number < MOST ? names.get(number) : null;
        return name == null ? "" : name;
    }
}
