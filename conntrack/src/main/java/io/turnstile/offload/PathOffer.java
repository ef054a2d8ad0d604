package io.turnstile.offload;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.util.List;

/**
 * A walk of one direction's packets, summed up, for a provider to carry. What its parts mean stands at
 * {@link io.turnstile.offload.spi.Path}.
 *
 * @param connections ids of all connections that the walk met, in its order, each once; the first is the one whose path
 *     this is. None of them changes or ends without the path being withdrawn
 * @param user who is told what becomes of it
 */
public record PathOffer(
        List<Long> connections,
        Direction direction,
        PortRef ingress,
        TupleView arriving,
        List<HeaderBits> guard,
        PortRef egress,
        TupleView leaving,
        List<HeaderBits> rewrites,
        PathUser user) {
    public PathOffer {
        connections = List.copyOf(connections);
    }

    /** The connection whose path this is. */
    public long connectionId() {
        return connections.getFirst();
    }
}
