package io.turnstile.offload;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.PortRef;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the switch decides before a provider is asked.
 *
 * @param portPriorities {@code other_config:hw-offload-priority} of Interfaces, by {@link PortRef#id()}
 */
record OfferPolicy(Map<Long, PriorityList> portPriorities) {
    /** The payload of a connection with a helper is read in software. */
    static final String CONTROL_CONNECTION = "alg control connection";
    /** What the helper is to read was not said yet. */
    static final String MAYBE_CONTROL = "may be an alg control connection";

    static final String PORT_EXCLUDED = "port excluded";
    static final String PORT_GONE = "port gone";
    static final OfferPolicy NONE = new OfferPolicy(Map.of());

    /** Why this provider is not to have the connection on account of its ports; null if it may. */
    @Nullable
    String refusal(String provider, ConnView connection) {
        PortRef reply = connection.replyIngress();
        if (connection.originalIngress().isGone() || reply != null && reply.isGone()) {
            return PORT_GONE;
        }
        boolean excluded = !portPriorities.isEmpty()
                && (excludes(provider, connection.originalIngress()) || excludes(provider, reply));
        return excluded ? PORT_EXCLUDED : null;
    }

    private boolean excludes(String provider, @Nullable PortRef port) {
        PriorityList list = port == null ? null : portPriorities.get(port.id());
        return list != null && !list.admits(provider);
    }
}
