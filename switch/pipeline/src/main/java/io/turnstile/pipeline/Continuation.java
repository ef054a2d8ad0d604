package io.turnstile.pipeline;

import org.jspecify.annotations.Nullable;

/** What a recirculation id stands for: how the walk of a packet that comes back goes on. */
sealed interface Continuation permits FrozenWalk, HashedStart {

    /** The bridge that it is in; null if it is in none yet. */
    @Nullable
    BridgePipeline bridge();
}
