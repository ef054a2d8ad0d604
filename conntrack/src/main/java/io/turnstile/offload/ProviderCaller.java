package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The caller hands operations to a provider, the only place that does. Whatever the provider does, a call gives one
 * fitting result per operation.
 *
 * <p>Threads: any shard's.
 */
record ProviderCaller(OffloadProvider provider) {

    /**
     * What came of a call.
     *
     * @param results one per operation, each of a kind that fits, or deferred
     * @param isUnknown the call as a whole has failed, and nobody knows which operations were carried out
     */
    record Answers(List<OffloadResult> results, boolean isUnknown) {}

    /** Hands a batch over and checks what comes back: one result per operation, each of a kind that fits. */
    Answers operate(List<OffloadOperation> operations) {
        boolean wasInterrupted = Thread.currentThread().isInterrupted();
        OffloadResult whole;
        try {
            List<OffloadResult> answers = new ArrayList<>(provider.operate(operations));
            if (answers.size() == operations.size()) {
                List<OffloadResult> results = new ArrayList<>(operations.size());
                for (int i = 0; i < operations.size(); i++) {
                    results.add(fittingOrDeferred(operations.get(i), answers.get(i)));
                }
                return new Answers(results, false);
            }
            whole = new OffloadResult.Failed("wrong number of results", null);
        } catch (Throwable e) { // contained: the worst that a provider can throw must not end the dispatcher's thread
            HeapExhaustion.check(e);
            whole = failed(FailureText.of(e));
        } finally {
            restoreInterrupt(wasInterrupted);
        }
        return new Answers(Collections.nCopies(operations.size(), whole), true);
    }

    /** A callback that is about no operation. */
    @FunctionalInterface
    interface Callback {
        void run() throws Exception;
    }

    /** Makes any other call of the provider. */
    void tell(Runnable callback, Consumer<FailureText> onFailure) {
        tellChecked(callback::run, onFailure);
    }

    /** The same for one that may throw anything. */
    void tellChecked(Callback callback, Consumer<FailureText> onFailure) {
        boolean wasInterrupted = Thread.currentThread().isInterrupted();
        try {
            callback.run();
        } catch (Throwable e) { // contained, as above
            HeapExhaustion.check(e);
            onFailure.accept(FailureText.of(e));
        } finally {
            restoreInterrupt(wasInterrupted);
        }
    }

    /** An interrupt that the provider has left behind ends here: a thread that is interrupted never sleeps again. */
    private static void restoreInterrupt(boolean wasInterrupted) {
        if (!wasInterrupted) {
            Thread.interrupted();
        }
    }

    private static OffloadResult.Failed failed(FailureText failure) {
        return new OffloadResult.Failed(failure.text(), failure.carrier());
    }

    private static OffloadResult fittingOrDeferred(OffloadOperation operation, @Nullable OffloadResult result) {
        if (!(result instanceof OffloadResult.Deferred deferred) || operation instanceof OffloadOperation.Flush) {
            return fitting(operation, result);
        }
        // What the provider's stage does when it is asked to tell belongs to the call: it may not return either.
        CompletableFuture<OffloadResult> later = new CompletableFuture<>();
        try {
            Objects.requireNonNull(deferred.result(), "deferred to nowhere")
                    .whenComplete((answer, failure) -> later.complete(completed(operation, answer, failure)));
        } catch (Throwable e) { // contained: this operation fails, and no other of the list
            HeapExhaustion.check(e);
            return failed(FailureText.of(e));
        }
        return new OffloadResult.Deferred(later);
    }

    /**
     * Made fit on the thread that completes it, the provider's own: whoever takes it up later meets no foreign code.
     */
    private static OffloadResult completed(
            OffloadOperation operation, @Nullable OffloadResult answer, @Nullable Throwable failure) {
        if (failure == null) {
            return fitting(operation, answer);
        }
        HeapExhaustion.check(failure);
        return failed(FailureText.of(failure));
    }

    /**
     * The result if it is one that the operation may have, else a failure that says so; an add's is never a verdict.
     */
    static OffloadResult fitting(OffloadOperation operation, @Nullable OffloadResult result) {
        if (operation instanceof OffloadOperation.Add && result instanceof Verdict.Accept) {
            return OffloadResult.DONE;
        }
        if (result == null || !operation.isAnsweredBy(result)) {
            return new OffloadResult.Failed(
                    "wrong result: "
                            + (result == null ? "null" : result.getClass().getSimpleName()),
                    null);
        }
        return withFittingText(result);
    }

    private static OffloadResult withFittingText(OffloadResult result) {
        if (result instanceof Verdict.Decline decline) {
            return new Verdict.Decline(ProviderText.reason(decline.reason()));
        }
        if (result instanceof Verdict.Later later) {
            return new Verdict.Later(ProviderText.reason(later.reason()));
        }
        if (result instanceof OffloadResult.Failed failed) {
            return withoutForeign(ProviderText.reason(failed.reason()), failed.cause());
        }
        return result;
    }

    private static OffloadResult withoutForeign(String reason, @Nullable Throwable cause) {
        if (cause == null) {
            return new OffloadResult.Failed(reason, null);
        }
        HeapExhaustion.check(cause); // the SPI's own loop over single callbacks has caught it
        return new OffloadResult.Failed(reason, FailureText.of(cause).carrier());
    }

    /** The failure that a fitting result tells of. */
    static FailureText failure(OffloadResult.Failed failed) {
        return failed.cause() == null
                ? FailureText.said(failed.reason())
                : FailureText.of(failed.cause()).reworded(failed.reason());
    }
}
