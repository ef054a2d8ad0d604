package io.turnstile.offload;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One operation that a provider was given, with its result: what an event tap sees.
 *
 * @param provider name of the provider
 * @param wallMs when the result was there, ms since the epoch
 */
public record OffloadEvent(String provider, OffloadOperation operation, OffloadResult result, long wallMs) {

    /** The kinds of operations, as text and as index of counters. */
    public enum Kind {
        QUERY("query"),
        ADD("add"),
        ESTABLISHED("established"),
        CHANGED("changed"),
        UPDATE("update"),
        DELETE("delete"),
        PATH_PUT("path put"),
        PATH_DEL("path del"),
        PATH_STATS("path stats"),
        FLUSH("flush");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** An operation on a path: a provider that does not carry never has one. */
        public boolean isOfPaths() {
            return this == PATH_PUT || this == PATH_DEL || this == PATH_STATS;
        }

        static Kind of(OffloadOperation operation) {
            return switch (operation) {
                case OffloadOperation.Query q -> QUERY;
                case OffloadOperation.Add a -> ADD;
                case OffloadOperation.Established e -> ESTABLISHED;
                case OffloadOperation.Changed c -> CHANGED;
                case OffloadOperation.Update u -> UPDATE;
                case OffloadOperation.Delete d -> DELETE;
                case OffloadOperation.PathPut p -> PATH_PUT;
                case OffloadOperation.PathDel p -> PATH_DEL;
                case OffloadOperation.PathStats p -> PATH_STATS;
                case OffloadOperation.Flush f -> FLUSH;
            };
        }

        @Override
        public String toString() {
            return text;
        }
    }

    public Kind kind() {
        return Kind.of(operation);
    }

    /** The connection that the operation is about; null for a flush. */
    public @Nullable ConnView connection() {
        return operation instanceof OffloadOperation.OfConnection one ? one.connection() : null;
    }

    /**
     * One line: {@code dummy add in=p1(1) udp,orig=(…),reply=(…) -> ok}. An established event shows both ports
     * ({@code in=… reply=…}), a change what has changed ({@code changes=mark+label}), a delete its reason.
     */
    @Override
    public String toString() {
        String detail = switch (operation) {
            case OffloadOperation.Query q -> in(q.connection());
            case OffloadOperation.Add a -> in(a.connection());
            case OffloadOperation.Established e -> in(e.connection()) + " reply=" + e.replyIngress();
            case OffloadOperation.Changed c -> in(c.connection()) + " changes=" + changes(c.changes());
            case OffloadOperation.Update u -> in(u.connection());
            case OffloadOperation.Delete d -> in(d.connection()) + " reason=" + d.reason();
            case OffloadOperation.PathPut p -> "path=" + p.path().id() + " " + p.path();
            case OffloadOperation.PathDel p ->
                "path=" + p.path().id() + " " + p.path().direction() + " reason=" + p.reason();
            case OffloadOperation.PathStats p ->
                "path=" + p.path().id() + " " + p.path().direction();
            case OffloadOperation.Flush f -> "reason=" + f.reason();
        };
        ConnView connection = connection();
        return provider + " " + kind() + " " + detail + (connection == null ? "" : " " + connection) + " -> "
                + resultText();
    }

    private static String changes(Set<ConnChange> changes) {
        return changes.stream().sorted().map(ConnChange::toString).collect(Collectors.joining("+"));
    }

    private static String in(ConnView connection) {
        PortRef port = connection.originalIngress();
        return "in=" + port;
    }

    /**
     * The result in words: {@code accepted}, {@code declined: …}, {@code ok}, {@code last used …}, {@code failed: …}.
     */
    public String resultText() {
        return switch (result) {
            case Verdict.Accept a -> "accepted";
            case Verdict.Decline d -> "declined: " + d.reason();
            case Verdict.Later l -> "later: " + l.reason();
            case OffloadResult.Done d -> "ok";
            case OffloadResult.OneByOne o -> "one by one";
            case OffloadResult.Covered c -> c.both() ? "ok" : "ask again";
            case OffloadResult.LastUsed l -> l.epochMs() == 0 ? "last used unknown" : "last used " + l.epochMs();
            case OffloadResult.Released r -> r.epochMs() == 0 ? "ok" : "ok, last used " + r.epochMs();
            case OffloadResult.Carried c -> carried(c);
            case OffloadResult.Deferred d -> "deferred";
            case OffloadResult.Failed f -> "failed: " + f.reason();
        };
    }

    private static String carried(OffloadResult.Carried c) {
        return "carried " + known(c.packets()) + " packets, " + known(c.bytes()) + " bytes";
    }

    private static String known(long number) {
        return number < 0 ? "unknown" : Long.toString(number);
    }
}
