package io.turnstile.offload;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.PortRef;
import java.util.Map;

/**
 * What the house decides before a provider is asked.
 *
 * @param portPriorities {@code other_config:hw-offload-priority} of Interfaces, by datapath port number
 */
record HouseRules(Map<Integer, PriorityList> portPriorities) {
    /** The payload of a connection with a helper is read in software. */
    static final String CONTROL = "alg control connection";

    static final String PORT_EXCLUDED = "port excluded";
    static final HouseRules NONE = new HouseRules(Map.of());

    /** One of the connection's ports is not for this provider. */
    boolean excludes(String provider, ConnView connection) {
        return !portPriorities.isEmpty()
                && (excludes(provider, connection.originalIngress()) || excludes(provider, connection.replyIngress()));
    }

    private boolean excludes(String provider, PortRef portOrNull) {
        PriorityList list = portOrNull == null ? null : portPriorities.get(portOrNull.number());
        return list != null && !list.admits(provider);
    }
}
