package io.turnstile.pipeline;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.pipeline.flow.OfAction;
import org.jspecify.annotations.Nullable;

/** The actions {@code ct(…)} and {@code ct_clear}. Threads: one, under the table lock. */
final class ConntrackActions {
    private final Walk walk;
    private final FieldActions fields;

    ConntrackActions(Walk walk, FieldActions fields) {
        this.walk = walk;
        this.fields = fields;
    }

    /** Sends the packet through the tracker; flows see the result only after the recirculation. */
    void track(OfAction.Ct ct) {
        int zone = ct.zoneField() == null
                ? ct.zone()
                : (int) fields.read(ct.zoneField()).low();
        walk.commit();
        ConnectionMarks marks = new ConnectionMarks(walk.state.key, walk.wildcards);
        NatRequest nat = runNested(ct, marks);
        walk.add(new DatapathAction.Ct(new CtRequest(
                zone,
                ct.commit(),
                ct.force(),
                marks.mark(),
                marks.markMask(),
                marks.labelHigh(),
                marks.labelLow(),
                marks.labelMaskHigh(),
                marks.labelMaskLow(),
                simplest(nat),
                algOf(ct.helper()),
                ct.commit() ? walk.pipeline.timeoutPolicy(zone) : 0)));
        if (ct.recircTable() != OfAction.Ct.NO_RECIRCULATION) {
            recirculate(ct.recircTable(), zone, nat);
        }
        walk.state.clearConntrack();
        walk.report.detail("Sets the packet to an untracked state, and clears all the conntrack fields.");
    }

    /** Runs the nested actions; returns the request of {@code nat(…)}, null if there is none. */
    private @Nullable NatRequest runNested(OfAction.Ct ct, ConnectionMarks marks) {
        NatRequest nat = null;
        for (OfAction nested : ct.exec()) {
            walk.report.action(nested);
            switch (nested) {
                case OfAction.Nat translation -> nat = translation.request();
                case OfAction.SetField set -> marks.set(set);
                case OfAction.Move move -> {
                    if (marks.move(move)) {
                        walk.report.written(move.destination(), walk.state.key);
                    }
                }
                case OfAction.Output _,
                        OfAction.OutputField _,
                        OfAction.OutputTruncated _,
                        OfAction.Sample _,
                        OfAction.Controller _,
                        OfAction.SetVlanVid _,
                        OfAction.SetVlanPcp _,
                        OfAction.PushVlan _,
                        OfAction.PopVlan _,
                        OfAction.PushMpls _,
                        OfAction.PopMpls _,
                        OfAction.SetMpls _,
                        OfAction.DecMplsTtl _,
                        OfAction.Encap _,
                        OfAction.Decap _,
                        OfAction.DecNshTtl _,
                        OfAction.DecTtl _,
                        OfAction.DecTtlFor _,
                        OfAction.Clone _,
                        OfAction.Learn _,
                        OfAction.Multipath _,
                        OfAction.Bundle _,
                        OfAction.CheckPktLarger _,
                        OfAction.Enqueue _,
                        OfAction.FinTimeout _,
                        OfAction.Conjunction _,
                        OfAction.Exit _,
                        OfAction.SetQueue _,
                        OfAction.PopQueue _,
                        OfAction.Resubmit _,
                        OfAction.Ct _,
                        OfAction.CtClear _,
                        OfAction.DebugRecirc _,
                        OfAction.DebugSlow _,
                        OfAction.Group _,
                        OfAction.Meter _,
                        OfAction.WriteMetadata _,
                        OfAction.GotoTable _,
                        OfAction.ClearActions _,
                        OfAction.WriteActions _,
                        OfAction.Note _,
                        OfAction.StackPush _,
                        OfAction.StackPop _ -> throw new IllegalStateException("let into ct(): " + nested);
            }
        }
        if (ct.exec().isEmpty()) {
            walk.report.likeAction("drop"); // What an empty nested list looks like in Open vSwitch's trace.
        }
        return nat;
    }

    private static Alg algOf(int helper) {
        return switch (helper) {
            case OfAction.Ct.FTP -> Alg.FTP;
            case OfAction.Ct.TFTP -> Alg.TFTP;
            default -> Alg.NONE;
        };
    }

    /** A range says nothing without source or destination. */
    private static @Nullable NatRequest simplest(@Nullable NatRequest nat) {
        return nat != null && nat.kind() == NatRequest.Kind.EXISTING ? NatRequest.ANY : nat;
    }

    private void recirculate(int table, int zone, @Nullable NatRequest nat) {
        int id = walk.pipeline.recirculationIds().idOf(walk.state.freeze(table), walk.nowNs);
        walk.recorder.recirculates(id);
        walk.add(new DatapathAction.Recirculate(id));
        walk.report.recirculation(id, table, zone, nat, walk.state.key);
    }

    /** The datapath need not do anything where the walk knows the packet to be untracked (as in Open vSwitch). */
    void clear() {
        if (walk.state.conntrackVisible) {
            walk.state.clearConntrack();
            walk.add(new DatapathAction.CtClear());
        }
    }
}
