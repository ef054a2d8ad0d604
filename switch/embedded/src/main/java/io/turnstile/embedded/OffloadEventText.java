package io.turnstile.embedded;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.stream.Collectors;

/** Offload events in as few words as a test wants to compare. Threads: stateless. */
final class OffloadEventText {
    private OffloadEventText() {}

    static String of(OffloadEvent event) {
        String what = switch (event.operation()) {
            case OffloadOperation.Query q -> "query in=" + number(q.connection().originalIngress());
            case OffloadOperation.Add a -> "add in=" + number(a.connection().originalIngress());
            case OffloadOperation.Established e -> "established in=" + number(e.replyIngress());
            case OffloadOperation.Changed c -> "changed " + changes(c);
            case OffloadOperation.Update u ->
                "update in=" + number(u.connection().originalIngress());
            case OffloadOperation.Delete d -> "del " + d.reason();
            case OffloadOperation.PathPut p ->
                "path put " + p.path().direction() + " in="
                        + number(p.path().ingress()) + " out="
                        + number(p.path().egress());
            case OffloadOperation.PathDel p -> "path del " + p.path().direction() + " " + p.reason();
            case OffloadOperation.PathStats p -> "path stats " + p.path().direction();
            case OffloadOperation.Flush f -> "flush " + f.reason();
        };
        return switch (event.result()) {
            case Verdict.Decline d -> what + " declined: " + d.reason();
            case OffloadResult.Failed f -> what + " failed: " + f.reason();
            case Verdict.Later l -> what + " later: " + l.reason();
            case Verdict.Accept a -> what;
            case OffloadResult.Done d -> what;
            case OffloadResult.OneByOne o -> what + " one by one";
            case OffloadResult.Covered c -> what;
            case OffloadResult.LastUsed l -> what;
            case OffloadResult.Released r -> what;
            case OffloadResult.Carried c -> what;
            case OffloadResult.Deferred d -> what + " deferred";
        };
    }

    private static String number(PortRef port) {
        return port.isGone() ? "gone" : Integer.toString(port.number());
    }

    /** With where the connection's packets come in, if that is what has changed. */
    private static String changes(OffloadOperation.Changed changed) {
        String changes =
                changed.changes().stream().sorted().map(ConnChange::toString).collect(Collectors.joining(","));
        if (!changed.changes().contains(ConnChange.PORT)) {
            return changes;
        }
        PortRef reply = changed.connection().replyIngress();
        return changes + " in=" + number(changed.connection().originalIngress())
                + (reply == null ? "" : " reply=" + number(reply));
    }
}
