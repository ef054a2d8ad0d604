package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.FlowDescription;
import io.turnstile.time.OncePerMinute;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The report of a packet's own walk: what goes wrong in it is logged, once a minute for each bridge and mistake, in
 * Open vSwitch's words. The rest is dropped.
 *
 * <p>Threads: that of the walk.
 */
final class LoggedReport extends SilentReport {
    private static final Logger LOG = LoggerFactory.getLogger("io.turnstile.pipeline.ofproto_dpif_xlate");
    private static final OncePerMinute TOLD = new OncePerMinute();

    private final Walk walk;

    LoggedReport(Walk walk) {
        this.walk = walk;
    }

    @Override
    public void error(String text) {
        String bridge = walk.bridgeName();
        if (bridge != null && TOLD.isDue(text + " " + bridge)) {
            LOG.warn("{} on bridge {} while processing {}", text, bridge, FlowDescription.of(walk.inDatapath()));
        }
    }

    @Override
    public void error(String format, long value) {
        error(String.format(Locale.ROOT, format, value));
    }
}
