package io.turnstile.offload.spi;

/**
 * What a provider may use of the switch between {@code init} and {@code close}.
 *
 * <p>Threads: any.
 */
public interface ProviderContext {

    /** The switch's wall clock, ms since the epoch: the scale of {@link OffloadProvider#connUpdate}'s answers. */
    long wallMs();

    /** How many threads at most call this provider at once (each for other connections). */
    int threads();
}
