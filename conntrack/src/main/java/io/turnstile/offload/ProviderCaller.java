package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The caller hands operations to a provider, the only place that does. Whatever the provider does, a call gives one
 * fitting result per operation.
 *
 * <p>Threads: any shard's.
 */
record ProviderCaller(OffloadProvider provider) {

    /** Hands a batch over and checks what comes back: one result per operation, each of a kind that fits. */
    List<OffloadResult> operate(List<OffloadOperation> operations) {
        List<OffloadResult> answers = answers(operations);
        List<OffloadResult> results = new ArrayList<>(operations.size());
        for (int i = 0; i < operations.size(); i++) {
            results.add(fitting(operations.get(i), answers.get(i)));
        }
        return results;
    }

    /** An interrupt that the provider has left behind ends here: a thread that is interrupted never sleeps again. */
    private List<OffloadResult> answers(List<OffloadOperation> operations) {
        boolean wasInterrupted = Thread.currentThread().isInterrupted();
        try {
            return contained(operations);
        } finally {
            if (!wasInterrupted) {
                Thread.interrupted();
            }
        }
    }

    private List<OffloadResult> contained(List<OffloadOperation> operations) {
        OffloadResult whole;
        try {
            List<OffloadResult> answers = new ArrayList<>(provider.operate(operations));
            if (answers.size() == operations.size()) {
                return answers;
            }
            whole = new OffloadResult.Failed("wrong number of results", null);
        } catch (Throwable e) { // contained: the worst that a provider can throw must not end the dispatcher's thread
            HeapExhaustion.check(e);
            whole = new OffloadResult.Failed(text(e), e);
        }
        return Collections.nCopies(operations.size(), whole);
    }

    /** The throwable in words, even if it cannot say them itself. */
    static String text(Throwable thrown) {
        return ProviderText.of(thrown);
    }

    private static OffloadResult fitting(OffloadOperation operation, OffloadResult result) {
        return operation.isAnsweredBy(result)
                ? withFittingText(result)
                : new OffloadResult.Failed(
                        "wrong result: "
                                + (result == null ? "null" : result.getClass().getSimpleName()),
                        null);
    }

    private static OffloadResult withFittingText(OffloadResult result) {
        if (result instanceof Verdict.Decline decline) {
            return new Verdict.Decline(ProviderText.reason(decline.reason()));
        }
        if (result instanceof OffloadResult.Failed failed) {
            if (failed.cause() != null) {
                HeapExhaustion.check(failed.cause()); // the SPI's own loop over single callbacks has caught it
            }
            return new OffloadResult.Failed(ProviderText.reason(failed.reason()), failed.cause());
        }
        return result;
    }
}
