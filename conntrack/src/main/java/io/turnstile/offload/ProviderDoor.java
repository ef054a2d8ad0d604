package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The one door through which a lane hands operations to its provider. Whatever the provider does, a call gives one
 * fitting result per operation.
 *
 * <p>Threads: any shard's.
 */
record ProviderDoor(OffloadProvider provider) {

    /** What an operation came to, as index of counters. */
    enum Outcome {
        OK("ok"),
        DECLINED("declined"),
        ASK_AGAIN("ask again"),
        UNKNOWN("unknown"),
        FAILED("failed");

        private final String text;

        Outcome(String text) {
            this.text = text;
        }

        static Outcome of(OffloadResult result) {
            return switch (result) {
                case Verdict.Accept a -> OK;
                case Verdict.Decline d -> DECLINED;
                case OffloadResult.Done d -> OK;
                case OffloadResult.OneByOne o -> OK;
                case OffloadResult.Covered c -> c.both() ? OK : ASK_AGAIN;
                case OffloadResult.LastUsed l -> l.epochMs() == 0 ? UNKNOWN : OK;
                case OffloadResult.Failed f -> FAILED;
            };
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** Hands a batch over and checks what comes back: one result per operation, each of a kind that fits. */
    List<OffloadResult> operate(List<OffloadOperation> operations) {
        List<OffloadResult> answers = answers(operations);
        List<OffloadResult> results = new ArrayList<>(operations.size());
        for (int i = 0; i < operations.size(); i++) {
            results.add(fitting(operations.get(i), answers.get(i)));
        }
        return results;
    }

    private List<OffloadResult> answers(List<OffloadOperation> operations) {
        OffloadResult whole;
        try {
            List<OffloadResult> answers = new ArrayList<>(provider.operate(operations));
            if (answers.size() == operations.size()) {
                return answers;
            }
            whole = new OffloadResult.Failed("wrong number of results", null);
        } catch (Throwable e) { // contained: the worst that a provider can throw must not end the dispatcher's thread
            whole = new OffloadResult.Failed(text(e), e);
        }
        return Collections.nCopies(operations.size(), whole);
    }

    /** The throwable in words, even if it cannot say them itself. */
    static String text(Throwable thrown) {
        try {
            return String.valueOf(thrown);
        } catch (Throwable e) {
            return thrown.getClass().getName();
        }
    }

    private static OffloadResult fitting(OffloadOperation operation, OffloadResult result) {
        return operation.isAnsweredBy(result)
                ? result
                : new OffloadResult.Failed(
                        "wrong result: "
                                + (result == null ? "null" : result.getClass().getSimpleName()),
                        null);
    }
}
