package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
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
    private final ThreadFactory threads;
    private CompletableFuture<List<String>> asked = CompletableFuture.completedFuture(List.of()); // guarded by this

    ProviderDescription(OffloadProvider provider, String name) {
        this(
                provider,
                Thread.ofPlatform()
                        .daemon()
                        .name("offload-" + name + "-describe")
                        .factory());
    }

    ProviderDescription(OffloadProvider provider, ThreadFactory threads) {
        this.provider = provider;
        this.threads = threads;
    }

    /** The provider's lines, or one that says why there are none. */
    List<String> lines() {
        try {
            return ask().get(PATIENCE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) { // it is never completed by a throwable
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
            BoundedCall call = BoundedCall.start(threads, () -> answer.complete(describe()));
            FailureText noThread = call.isOver() ? call.thrown() : null;
            if (noThread != null) {
                answer.complete(failed(noThread));
            }
        }
        return asked;
    }

    private List<String> describe() {
        try {
            return ProviderText.lines(provider.describe());
        } catch (Throwable e) { // contained: only this text suffers
            HeapExhaustion.check(e);
            return failed(FailureText.of(e));
        }
    }

    private static List<String> failed(FailureText failure) {
        return List.of("describe failed: " + failure.text());
    }
}
