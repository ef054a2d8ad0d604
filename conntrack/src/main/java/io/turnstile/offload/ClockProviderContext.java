package io.turnstile.offload;

import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.time.Clock;

/** The dispatcher's side of {@link ProviderContext}. Threads: any. */
record ClockProviderContext(Clock clock, int threads) implements ProviderContext {
    @Override
    public long wallMs() {
        return clock.wallMs();
    }
}
