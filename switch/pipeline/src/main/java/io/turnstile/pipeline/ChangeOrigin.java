package io.turnstile.pipeline;

import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who asks for a change, so that he can be told of it in short ({@link FlowChanges}).
 *
 * @param peer null if it is nobody who speaks OpenFlow; told apart by identity
 * @param xid the transaction id of the request that is being done; asked by the thread that does it
 */
public record ChangeOrigin(@Nullable Object peer, IntSupplier xid) {
    /** The switch itself, or whoever does not watch flows. */
    public static final ChangeOrigin NONE = new ChangeOrigin(null, () -> 0);

    /** One request. */
    public static ChangeOrigin of(Object peer, int xid) {
        return new ChangeOrigin(peer, () -> xid);
    }
}
