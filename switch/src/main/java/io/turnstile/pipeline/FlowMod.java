package io.turnstile.pipeline;

import java.util.List;
import java.util.Set;

/**
 * One change of the flow table (OFPT_FLOW_MOD, NXT_FLOW_MOD, {@code ovs-ofctl add-flow}), free of any version.
 *
 * @param tableId       0–254; {@link #ALL_TABLES} for deletes in all tables; for ADD under OpenFlow 1.0 it means "table 0"
 * @param priority      0–65535
 * @param cookieMask    0 for ADD; selects flows for MODIFY and DELETE
 * @param outPort       DELETE only: flows that output there; {@link OfAction.Ports#NONE} for any
 * @param importance    OpenFlow 1.4+, else 0
 */
public record FlowMod(Command command, int tableId, int priority, Match match, long cookie, long cookieMask,
                      int idleTimeoutSeconds, int hardTimeoutSeconds, int importance, int outPort, Set<Flag> flags,
                      List<OfAction> actions) {
    public static final int ALL_TABLES = 255;

    public enum Command { ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT }

    public enum Flag {
        SEND_FLOW_REM, CHECK_OVERLAP, RESET_COUNTS, NO_PKT_COUNTS, NO_BYT_COUNTS,
        /** MODIFY and MODIFY_STRICT that find nothing add the flow (OpenFlow 1.0 and 1.1 only); never shown. */
        ADD_IF_NONE
    }
}
