package io.turnstile.offload;

/**
 * How one connection stands with one provider, for showing.
 *
 * @param reasonOrNull why declined or failed
 */
public record ProviderConnectionState(String provider, OffloadState state, String reasonOrNull) {

    /** {@code dummy:established}, {@code dummy:declined(alg)}. */
    @Override
    public String toString() {
        return provider + ":" + state + (reasonOrNull == null ? "" : "(" + reasonOrNull + ")");
    }
}
