package io.turnstile.datapath;

import io.turnstile.time.RateLimit;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;

/**
 * What the datapath says of packets that miss and of flows that come, to whoever has set {@code dpif_netdev} to
 * {@code dbg}. The words are Open vSwitch's, because scripts look for them. Ports are numbers, so that no name gets
 * into a line.
 *
 * <p>Threads: any.
 */
final class FlowLog {
    /** The name of the marker of messages that have several lines, which the log keeps. */
    private static final Marker LINES = MarkerFactory.getMarker("LINES");

    private static final Logger LOG = LoggerFactory.getLogger(Datapath.class);
    /** Lines of it bear the name of Open vSwitch's module that says so. */
    private static final Logger DPIF = LoggerFactory.getLogger(Datapath.class.getPackageName() + ".dpif");

    private static final int LINES_PER_MINUTE = 600;
    private static final RateLimit LIMIT = RateLimit.perMinute(LOG.getName(), LINES_PER_MINUTE);

    private FlowLog() {}

    private static boolean isDue() {
        return LOG.isDebugEnabled() && LIMIT.isDue();
    }

    /** A packet meets no flow. */
    static void miss(long[] key) {
        if (isDue()) {
            LOG.debug(LINES, "miss upcall:\n{}", DatapathFlowText.key(key));
        }
    }

    /** The flow is in the cache now. */
    static void added(DatapathFlow flow) {
        if (isDue()) {
            LOG.debug("flow_add: {}, actions:{}", match(flow), DatapathFlowText.actions(flow));
        }
    }

    /** Packets of a flow that was there are treated otherwise now. */
    static void changed(DatapathFlow flow, DatapathFlow before) {
        if (isDue()) {
            LOG.debug(
                    "flow_mod: {}, old_actions:{}, actions:{}",
                    match(flow),
                    DatapathFlowText.actions(before),
                    DatapathFlowText.actions(flow));
        }
    }

    /** A round has found other actions to be right since rules changed. */
    static void revised(DatapathFlow flow, DatapathFlow before, Supplier<String> datapath) {
        if (!DPIF.isDebugEnabled()) {
            return;
        }
        String actions = DatapathFlowText.actions(flow);
        if (!actions.equals(DatapathFlowText.actions(before)) && LIMIT.isDue()) {
            DPIF.debug("{}: put[modify] {}, actions:{}", datapath.get(), DatapathFlowText.verboseMatch(flow), actions);
        }
    }

    /** A round looks at the flows. */
    static void round(Supplier<List<DatapathFlow>> flows, boolean tersely, long nowNs) {
        if (!LOG.isDebugEnabled()) {
            return;
        }
        for (DatapathFlow flow : flows.get()) {
            if (!LIMIT.isDue()) {
                return; // The rest of them will not be, either.
            }
            if (tersely) {
                LOG.debug("flow_dump ufid:{} <empty>, {}", flow.uniqueId(), DatapathFlowText.counters(flow, nowNs));
            } else {
                LOG.debug("flow_dump {}", DatapathFlowText.verboseLineOfBridge(flow, nowNs, Integer::toString));
            }
        }
    }

    private static String match(DatapathFlow flow) {
        return "ufid:" + flow.uniqueId() + " mega_ufid:" + flow.uniqueId() + " " + DatapathFlowText.match(flow);
    }
}
