package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One callback as the dummy provider met it, with its answer.
 *
 * @param sequence 0, 1, 2 … in the order of the callbacks since the provider was made
 * @param wallMs when, ms since the epoch
 * @param connection null for init, flush and close
 */
public record RecordedEvent(
        long sequence,
        long wallMs,
        Callback callback,
        @Nullable ConnView connection,
        Answer answer) {

    /** Which callback. Those about ports and settings are counted, and are in no event. */
    public enum Callback {
        INIT,
        CAN_OFFLOAD,
        ADD,
        ESTABLISHED,
        CHANGED,
        UPDATE,
        DEL,
        PATH_PUT,
        PATH_DEL,
        PATH_STATS,
        FLUSH,
        PORT_ADDED,
        PORT_CHANGED,
        PORT_REMOVED,
        SETTINGS_CHANGED,
        CLOSE
    }

    /** What was answered or, for {@link Callback#CHANGED}, {@link Callback#DEL} and {@link Callback#FLUSH}, given. */
    public sealed interface Answer {
        /** The callback has no answer. */
        record Nothing() implements Answer {}

        /** The answer to a query or to an add. */
        record Offload(Verdict verdict) implements Answer {}

        record Covers(boolean both) implements Answer {}

        record Changes(Set<ConnChange> changes) implements Answer {}

        /**
         * The answer to an update.
         *
         * @param epochMs 0: unknown
         */
        record LastUsed(long epochMs) implements Answer {}

        record Reason(DelReason reason) implements Answer {}

        record Carries(Path path, Verdict verdict) implements Answer {}

        /**
         * What was said of a path that was given back, or asked about.
         *
         * @param reason null: it was asked about
         */
        record Carried(Path path, @Nullable PathEnd reason, OffloadResult.Carried carried) implements Answer {}
    }

    /**
     * Returns the event in a few words, ports by number: {@code init}, {@code query -> accept}, {@code query ->
     * decline: …}, {@code query -> later: …}, {@code add in=1}, {@code add in=1 -> later: …}, {@code established in=2}
     * (the reply's port), {@code changed mark,tcp}, {@code update -> unknown}, {@code del expired}, {@code path put
     * original in=1 out=2}, {@code path del original rules changed}, {@code path stats original}, {@code flush provider
     * leaving}, {@code close}.
     */
    @Override
    public String toString() {
        String result = switch (answer) {
            case Answer.Nothing nothing -> "";
            case Answer.Offload offload -> " -> " + text(offload.verdict());
            case Answer.Changes changed ->
                " "
                        + changed.changes().stream()
                                .sorted()
                                .map(ConnChange::toString)
                                .collect(Collectors.joining(","));
            case Answer.Covers covers -> covers.both() ? "" : " -> again";
            case Answer.LastUsed used -> used.epochMs() == 0 ? " -> unknown" : " -> " + used.epochMs();
            case Answer.Reason reason -> " " + reason.reason();
            case Answer.Carries carries ->
                " " + carries.path().direction() + " in="
                        + carries.path().ingress().number() + " out="
                        + carries.path().egress().number()
                        + (carries.verdict() instanceof Verdict.Accept ? "" : " -> " + text(carries.verdict()));
            case Answer.Carried carried ->
                " " + carried.path().direction() + (carried.reason() == null ? "" : " " + carried.reason());
        };
        return switch (callback) {
            case INIT -> "init";
            case CAN_OFFLOAD -> "query" + result;
            case ADD ->
                "add"
                        + ingress(connection == null ? null : connection.originalIngress())
                        + (isAccept(answer) ? "" : result);
            case ESTABLISHED -> "established" + ingress(connection == null ? null : connection.replyIngress()) + result;
            case CHANGED -> "changed" + result;
            case UPDATE -> "update" + result;
            case DEL -> "del" + result;
            case PATH_PUT -> "path put" + result;
            case PATH_DEL -> "path del" + result;
            case PATH_STATS -> "path stats" + result;
            case FLUSH -> "flush" + result;
            case PORT_ADDED -> "port added";
            case PORT_CHANGED -> "port changed";
            case PORT_REMOVED -> "port removed";
            case SETTINGS_CHANGED -> "settings changed";
            case CLOSE -> "close";
        };
    }

    private static boolean isAccept(Answer answer) {
        return answer instanceof Answer.Offload offload && offload.verdict() instanceof Verdict.Accept;
    }

    private static String text(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Accept accept -> "accept";
            case Verdict.Decline decline -> "decline: " + decline.reason();
            case Verdict.Later later -> "later: " + later.reason();
        };
    }

    private static String ingress(@Nullable PortRef port) {
        return port == null ? "" : " in=" + port.number();
    }
}
