package io.turnstile.conntrack;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.regex.Pattern;
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
    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\\u0085\\u2028\\u2029]");

    private final Map<String, Integer> numbers = new ConcurrentHashMap<>();
    private final AtomicReferenceArray<@Nullable String> names = new AtomicReferenceArray<>(MOST);

    Actors() {
        names.set(OTHERS, "others");
    }

    int number(String name) {
        Integer known = numbers.get(name);
        return known != null ? known : add(name);
    }

    /** A name may be a bridge's, and those may have line ends in them. */
    private synchronized int add(String given) {
        Integer known = numbers.get(given);
        if (known != null) {
            return known;
        }
        int next = numbers.size() + 1;
        if (next >= OTHERS) {
            return OTHERS;
        }
        names.set(next, CONTROL.matcher(given).replaceAll("?"));
        numbers.put(given, next);
        return next;
    }

    /** Empty for {@link #NOBODY}. */
    String name(int number) {
        String name = number > NOBODY && number < MOST ? names.get(number) : null;
        return name == null ? "" : name;
    }
}
