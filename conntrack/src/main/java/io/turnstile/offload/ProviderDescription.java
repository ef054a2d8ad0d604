package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What a provider says of itself, asked on a thread that nobody minds losing: whoever looks must not hang with it.
 *
 * <p>Threads: any.
 */
final class ProviderDescription {
    private static final long PATIENCE_MS = 250;

    private final OffloadProvider provider;
    private final String name;
    private CompletableFuture<List<String>> asked = CompletableFuture.completedFuture(List.of()); // guarded by this

    ProviderDescription(OffloadProvider provider, String name) {
        this.provider = provider;
        this.name = name;
    }

    /** The provider's lines, or one that says why there are none. */
    List<String> lines() {
        try {
            return ask().get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            return List.of("describe failed: " + ProviderText.of(Objects.requireNonNullElse(e.getCause(), e)));
        } catch (TimeoutException e) {
            return List.of("describe has not returned");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of("describe was not waited for");
        }
    }

    /** One question at a time: one that hangs costs one thread, however often somebody looks. */
    private synchronized CompletableFuture<List<String>> ask() {
        if (asked.isDone()) {
            CompletableFuture<List<String>> answer = new CompletableFuture<>();
            asked = answer;
            Thread.ofPlatform().daemon().name("offload-" + name + "-describe").start(() -> {
                try {
                    answer.complete(ProviderText.lines(provider.describe()));
                } catch (Throwable e) { // contained: only this text suffers
                    HeapExhaustion.check(e);
                    answer.completeExceptionally(e);
                }
            });
        }
        return asked;
    }
}
