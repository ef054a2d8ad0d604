package io.turnstile.offload;

/**
 * How a provider stands, for showing.
 *
 * @param state {@code starting}, {@code ready}, {@code half-open}, {@code init failed: …}, {@code breaker open: …},
 *     {@code not registered: …}, {@code leaving} or {@code closed}
 */
public record ProviderStatus(String name, int priority, String state) {

    /** It is initialised: connections are being offered to it, or taken from it. */
    public boolean isUp() {
        return state.equals("ready") || state.equals("half-open") || state.equals("leaving");
    }

    @Override
    public String toString() {
        return name + " (priority " + priority + ", " + state + ")";
    }
}
