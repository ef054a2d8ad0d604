package io.turnstile.telemetry;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The names under which providers' own numbers stand on the page. Prometheus has a counter {@code x} as
 * {@code x_total}, strikes endings that it has other uses for, and refuses a gauge beside a counter of one name: here
 * each kind and name has a name of its own, the same for all providers. Where two would be one, the one that comes
 * later has its kind appended.
 *
 * <p>Threads: any.
 */
final class OwnNumberNames {
    private static final String TOTAL = "_total";
    private static final Pattern RESERVED = Pattern.compile(".*_(total|created|bucket|info)");

    private final Map<String, String> owners = new HashMap<>(); // guarded by this

    /** The name that the number has, without what all have in front and without a counter's {@code _total}. */
    synchronized String of(String name, boolean isCounter) {
        String kind = isCounter ? "_counter" : "_gauge";
        boolean saysTotal = isCounter && name.endsWith(TOTAL) && name.length() > TOTAL.length();
        String plain = saysTotal ? name.substring(0, name.length() - TOTAL.length()) : name;
        String shown = RESERVED.matcher("_" + plain).matches() ? plain + kind : plain;
        String owner = kind + " " + name;
        while (!owners.computeIfAbsent(shown, free -> owner).equals(owner)) {
            shown += kind;
        }
        return shown;
    }
}
