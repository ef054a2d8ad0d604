package io.turnstile.offload;

import org.jspecify.annotations.Nullable;

/**
 * How one connection stands with one provider, for showing.
 *
 * @param reason why declined, refused or failed
 */
public record ProviderConnectionState(
        String provider, OffloadState state, @Nullable String reason) {

    /** {@code dummy:established}, {@code dummy:declined(alg)}. */
    @Override
    public String toString() {
        return provider + ":" + state + (reason == null ? "" : "(" + reason + ")");
    }
}
