package io.turnstile.pipeline.flow;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One change of the flow table (OFPT_FLOW_MOD, NXT_FLOW_MOD, {@code ovs-ofctl add-flow}), free of any version.
 *
 * @param tableId 0–254; {@link #ALL_TABLES} for deletes in all tables; for ADD under OpenFlow 1.0 it means "table 0"
 * @param priority 0–65535
 * @param cookie ADD: the flow's; MODIFY and DELETE: what a flow's must be in the bits of {@code cookieMask}
 * @param cookieMask 0 for ADD; selects flows for MODIFY and DELETE
 * @param newCookie MODIFY under OpenFlow 1.0, and under 1.1 if it asks for no cookie: the cookie of the flow that is
 *     added if there are none, and unless {@code keepsCookies} what the flows get; {@link #NO_COOKIE}, always so in
 *     later versions: flows keep theirs and none is added
 * @param outPort DELETE only: flows that output there; {@link OfAction.Ports#NONE} for any
 * @param outGroup DELETE only: flows that send to that group; {@link GroupMod#ANY} for any
 * @param importance OpenFlow 1.4+, else 0
 * @param keepsCookies whether flows keep their cookies when they are modified, as they do since OpenFlow 1.1
 */
public record FlowMod(
        Command command,
        int tableId,
        int priority,
        Match match,
        long cookie,
        long cookieMask,
        long newCookie,
        int idleTimeoutSeconds,
        int hardTimeoutSeconds,
        int importance,
        int outPort,
        int outGroup,
        Set<Flag> flags,
        List<OfAction> actions,
        boolean keepsCookies)
        implements SwitchChange {
    public static final int ALL_TABLES = 255;

    /** No new cookie: all ones cannot be given to a flow by MODIFY. */
    public static final long NO_COOKIE = -1;

    public enum Command {
        ADD,
        MODIFY,
        MODIFY_STRICT,
        DELETE,
        DELETE_STRICT
    }

    public enum Flag {
        SEND_FLOW_REM,
        CHECK_OVERLAP,
        RESET_COUNTS,
        NO_PKT_COUNTS,
        NO_BYT_COUNTS
    }

    /** A change of flows that get the new cookie if there is one. */
    public FlowMod(
            Command command,
            int tableId,
            int priority,
            Match match,
            long cookie,
            long cookieMask,
            long newCookie,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int importance,
            int outPort,
            int outGroup,
            Set<Flag> flags,
            List<OfAction> actions) {
        this(
                command,
                tableId,
                priority,
                match,
                cookie,
                cookieMask,
                newCookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                outPort,
                outGroup,
                flags,
                actions,
                false);
    }

    /** A change that no group selects flows for. */
    public FlowMod(
            Command command,
            int tableId,
            int priority,
            Match match,
            long cookie,
            long cookieMask,
            long newCookie,
            int idleTimeoutSeconds,
            int hardTimeoutSeconds,
            int importance,
            int outPort,
            Set<Flag> flags,
            List<OfAction> actions) {
        this(
                command,
                tableId,
                priority,
                match,
                cookie,
                cookieMask,
                newCookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                outPort,
                GroupMod.ANY,
                flags,
                actions);
    }

    /** Whether the flows that are modified get the new cookie. */
    public boolean setsCookie() {
        return newCookie != NO_COOKIE && !keepsCookies;
    }

    /** An ADD as the MODIFY_STRICT that gives a flow of the same match and priority these actions and this cookie. */
    public FlowMod asModification() {
        return new FlowMod(
                Command.MODIFY_STRICT,
                tableId,
                priority,
                match,
                0,
                0,
                cookie,
                idleTimeoutSeconds,
                hardTimeoutSeconds,
                importance,
                outPort,
                flags,
                actions);
    }

    /** What MODIFY becomes when no flow is there to be modified: an ADD, if the protocol has it so. */
    public Optional<FlowMod> asAdd() {
        return newCookie != NO_COOKIE && cookieMask == 0
                ? Optional.of(new FlowMod(
                        Command.ADD,
                        tableId,
                        priority,
                        match,
                        newCookie,
                        0,
                        NO_COOKIE,
                        idleTimeoutSeconds,
                        hardTimeoutSeconds,
                        importance,
                        outPort,
                        outGroup,
                        flags,
                        actions))
                : Optional.empty();
    }
}
