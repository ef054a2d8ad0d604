package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import java.util.List;

/** Refuses action lists that could not be carried out, with the specification's error for each. Threads: stateless. */
final class ActionCheck {
    private ActionCheck() {
    }

    /** @param tableId the table the flow is in: goto_table goes forward only (OpenFlow 1.3.5 §5.9) */
    static void check(List<OfAction> actions, int tableId, int tableCount) throws OfException {
        for (OfAction action : actions) {
            switch (action) {
                case OfAction.GotoTable next when next.tableId() <= tableId || next.tableId() >= tableCount ->
                        throw new OfException(OfErrorCode.OFPBIC_BAD_TABLE_ID, "goto_table " + next.tableId());
                case OfAction.Output output when output.port() == OfAction.Ports.UNSET ->
                        throw new OfException(OfErrorCode.OFPBAC_BAD_OUT_PORT, "output to UNSET");
                case OfAction.WriteActions write -> check(write.actions(), tableId, tableCount);
                case OfAction.Ct ct -> checkConntrack(ct);
                default -> {
                    // The wire layer has checked what does not depend on the table.
                }
            }
        }
    }

    private static void checkConntrack(OfAction.Ct ct) throws OfException {
        if (ct.helper() != 0) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct(alg) is not supported yet");
        }
        if (ct.force() && !ct.commit()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct(force) needs commit");
        }
        if (!ct.commit() && !ct.exec().isEmpty()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct(exec) needs commit");
        }
        for (OfAction nested : ct.exec()) {
            Field target = switch (nested) {
                case OfAction.SetField set -> set.field();
                case OfAction.Move move -> move.destination().field();
                default -> null;
            };
            if (target != Field.CT_MARK && target != Field.CT_LABEL) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct(exec) may set ct_mark and ct_label only");
            }
        }
    }
}
