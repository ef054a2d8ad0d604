package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.PortRef;
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

    /** Which callback. */
    public enum Callback {
        INIT,
        CAN_OFFLOAD,
        ADD,
        ESTABLISHED,
        UPDATE,
        DEL,
        FLUSH,
        CLOSE
    }

    /** What was answered or, for {@link Callback#DEL} and {@link Callback#FLUSH}, given. */
    public sealed interface Answer {
        /** The callback has no answer. */
        record Nothing() implements Answer {}

        /**
         * The answer to a query.
         *
         * @param reason null: accepted
         */
        record Offload(@Nullable String reason) implements Answer {}

        record Covers(boolean both) implements Answer {}

        /**
         * The answer to an update.
         *
         * @param epochMs 0: unknown
         */
        record LastUsed(long epochMs) implements Answer {}

        record Reason(DelReason reason) implements Answer {}
    }

    /**
     * Returns the event in a few words, ports by number: {@code init}, {@code query -> accept}, {@code query ->
     * decline: …}, {@code add in=1}, {@code established in=2} (the reply's port), {@code update -> unknown}, {@code del
     * expired}, {@code flush provider leaving}, {@code close}.
     */
    @Override
    public String toString() {
        String result = switch (answer) {
            case Answer.Nothing nothing -> "";
            case Answer.Offload offload -> offload.reason() == null ? " -> accept" : " -> decline: " + offload.reason();
            case Answer.Covers covers -> covers.both() ? "" : " -> again";
            case Answer.LastUsed used -> used.epochMs() == 0 ? " -> unknown" : " -> " + used.epochMs();
            case Answer.Reason reason -> " " + reason.reason();
        };
        return switch (callback) {
            case INIT -> "init";
            case CAN_OFFLOAD -> "query" + result;
            case ADD -> "add" + ingress(connection == null ? null : connection.originalIngress());
            case ESTABLISHED -> "established" + ingress(connection == null ? null : connection.replyIngress()) + result;
            case UPDATE -> "update" + result;
            case DEL -> "del" + result;
            case FLUSH -> "flush" + result;
            case CLOSE -> "close";
        };
    }

    private static String ingress(@Nullable PortRef port) {
        return port == null ? "" : " in=" + port.number();
    }
}
