package io.turnstile.pipeline;

import org.jspecify.annotations.Nullable;

/**
 * A walk once more from where it began, of a packet that has the datapath's hash by now. What it came to before is of
 * no account: nothing was done to the packet but that it was given the hash.
 *
 * @param from null: it began where the packet came in
 */
record HashedStart(@Nullable FrozenWalk from) implements Continuation {
    @Override
    public @Nullable BridgePipeline bridge() {
        return from == null ? null : from.bridge();
    }
}
