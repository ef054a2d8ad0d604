package io.turnstile.offload.spi;

/** A number of a provider's own that goes up and down: see {@link ProviderContext#gauge}. Threads: any. */
@FunctionalInterface
public interface Gauge {
    /** Has it stand at this from now on. */
    void set(double value);
}
