package io.turnstile.embedded;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;

/** Offload events in as few words as a test wants to compare. Threads: stateless. */
final class OffloadEventText {
    private OffloadEventText() {}

    static String of(OffloadEvent event) {
        String what = switch (event.operation()) {
            case OffloadOperation.Query q ->
                "query in=" + q.connection().originalIngress().number();
            case OffloadOperation.Add a ->
                "add in=" + a.connection().originalIngress().number();
            case OffloadOperation.Established e ->
                "established in=" + e.replyIngress().number();
            case OffloadOperation.Update u ->
                "update in=" + u.connection().originalIngress().number();
            case OffloadOperation.Delete d -> "del " + d.reason();
            case OffloadOperation.Flush f -> "flush " + f.reason();
        };
        return switch (event.result()) {
            case Verdict.Decline d -> what + " declined: " + d.reason();
            case OffloadResult.Failed f -> what + " failed: " + f.reason();
            case Verdict.Accept a -> what;
            case OffloadResult.Done d -> what;
            case OffloadResult.OneByOne o -> what + " one by one";
            case OffloadResult.Covered c -> what;
            case OffloadResult.LastUsed l -> what;
        };
    }
}
