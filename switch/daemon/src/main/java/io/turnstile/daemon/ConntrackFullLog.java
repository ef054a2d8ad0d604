package io.turnstile.daemon;

import io.turnstile.conntrack.ConntrackControl;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The log's warnings that connections are refused, once a minute at most for each reason. Threads: one. */
final class ConntrackFullLog {
    private static final Logger LOG = LoggerFactory.getLogger(ConntrackFullLog.class);
    private static final long PAUSE_NS = 60_000_000_000L;

    private final Reason[] reasons;

    /** One way in which connections are refused. */
    private static final class Reason {
        private final LongSupplier count;
        private final String text;
        private long told;
        private long toldNs;

        private Reason(LongSupplier count, String text) {
            this.count = count;
            this.text = text;
        }

        private void look(long nowNs) {
            long present = count.getAsLong();
            if (present != told && (told == 0 || nowNs - toldNs >= PAUSE_NS)) {
                LOG.warn("{} ({} so far)", text, present);
                told = present;
                toldNs = nowNs;
            }
        }
    }

    ConntrackFullLog(ConntrackControl tracker) {
        reasons = new Reason[] {
            new Reason(tracker::refusals, "The connection table is full: connections are not committed"),
            new Reason(tracker.zoneLimits()::refusals, "A zone has reached its limit: connections are not committed"),
            new Reason(
                    tracker::natExhaustions,
                    "Unable to NAT due to tuple space exhaustion - "
                            + "if DoS attack, use firewalling and/or zone partitioning."),
        };
    }

    /** Warns of what was refused since the last warning. To be called now and then. */
    void look(long nowNs) {
        for (Reason reason : reasons) {
            reason.look(nowNs);
        }
    }
}
