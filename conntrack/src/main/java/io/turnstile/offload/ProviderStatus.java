package io.turnstile.offload;

/**
 * How a provider stands, for showing.
 *
 * @param state {@code ready}, {@code init failed: …}, {@code not registered: …}, {@code leaving} or {@code closed}
 */
public record ProviderStatus(String name, int priority, String state) {

    @Override
    public String toString() {
        return name + " (priority " + priority + ", " + state + ")";
    }
}
