package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;

/** What an operation came to, as text and as index of counters. */
public enum OperationOutcome {
    OK("ok"),
    DECLINED("declined"),
    LATER("later"),
    ASK_AGAIN("ask again"),
    UNKNOWN("unknown"),
    FAILED("failed");

    private final String text;

    OperationOutcome(String text) {
        this.text = text;
    }

    static OperationOutcome of(OffloadResult result) {
        return switch (result) {
            case Verdict.Accept a -> OK;
            case Verdict.Decline d -> DECLINED;
            case Verdict.Later l -> LATER;
            case OffloadResult.Done d -> OK;
            case OffloadResult.OneByOne o -> OK;
            case OffloadResult.Covered c -> c.both() ? OK : ASK_AGAIN;
            case OffloadResult.LastUsed l -> l.epochMs() == 0 ? UNKNOWN : OK;
            case OffloadResult.Released r -> OK;
            case OffloadResult.Carried c -> c.packets() < 0 && c.epochMs() == 0 ? UNKNOWN : OK;
            case OffloadResult.Deferred d -> throw new IllegalArgumentException("there is no outcome yet");
            case OffloadResult.Failed f -> FAILED;
        };
    }

    @Override
    public String toString() {
        return text;
    }
}
