package io.turnstile.offload.spi;

/** A number of a provider's own that only grows: see {@link ProviderContext#counter}. Threads: any. */
@FunctionalInterface
public interface Counter {
    /** Adds to it; what is negative is not added. */
    void add(long count);
}
