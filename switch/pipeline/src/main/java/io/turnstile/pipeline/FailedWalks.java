package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Upcall;
import io.turnstile.time.OncePerMinute;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/**
 * Walks that end with a failure: what Open vSwitch calls it, and their traces in the log, of the newest a minute, where
 * flows lead to each other without end.
 *
 * <p>Threads: any.
 */
final class FailedWalks {
    private static final Logger LOG = LoggerFactory.getLogger("io.turnstile.datapath.ofproto_dpif_upcall");
    private static final Marker LINES = MarkerFactory.getMarker("LINES");
    private static final OncePerMinute TOLD = new OncePerMinute();

    private FailedWalks() {}

    /** Open vSwitch's words for what the walk failed of; null if it did not fail. */
    static @Nullable String reason(Upcall.Translation translation) {
        DropReason failure = failure(translation);
        return switch (failure) {
            case TRANSLATION_TOO_DEEP -> "Recursion too deep";
            case TOO_MANY_RESUBMITS -> "Too many resubmits";
            case STACK_TOO_DEEP -> "Stack too deep";
            case RECIRCULATION_LOST -> "No recirculation context";
            case null, default -> null;
        };
    }

    private static @Nullable DropReason failure(Upcall.Translation translation) {
        return translation.actions().length == 1 && translation.actions()[0] instanceof DatapathAction.Drop drop
                ? drop.reason()
                : null;
    }

    /** Logs the trace of a packet that went too deep or too far. */
    static void log(Pipeline pipeline, long[] key, Upcall.Translation translation) {
        DropReason failure = failure(translation);
        if (failure == null || failure != DropReason.TRANSLATION_TOO_DEEP && failure != DropReason.TOO_MANY_RESUBMITS) {
            return;
        }
        if (!TOLD.isDue(failure.label())) {
            return;
        }
        Trace trace = pipeline.beginTrace(key, new Trace.Options(List.of(), Integer::toString, null, null));
        if (trace != null) {
            StringBuilder text = new StringBuilder();
            trace.next(text);
            LOG.warn(LINES, "{}", text);
        }
    }
}
