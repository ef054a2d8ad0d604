package io.turnstile.appctl;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.Conntrack;
import java.util.function.Consumer;

/** A look at all connections of the table, in portions: forwarding goes on between them. */
final class ConnectionScan {
    private static final int SLOTS_AT_ONCE = 4096;

    private ConnectionScan() {}

    /** @param action gets each connection; the object is the same each time */
    static void forEach(Conntrack tracker, long nowNs, Consumer<ConnectionSnapshot> action) {
        long cursor = 0;
        while (cursor >= 0) {
            cursor = tracker.scan(cursor, SLOTS_AT_ONCE, action::accept, nowNs);
        }
    }
}
