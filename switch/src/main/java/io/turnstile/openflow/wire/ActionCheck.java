package io.turnstile.openflow.wire;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.text.MatchField;
import io.turnstile.pipeline.text.InstructionOrder;
import java.util.List;

/** Whether a flow's actions make sense with its match and table (ovs-actions(7), "Actions and prerequisites"). */
public final class ActionCheck {
    private static final int FTP_PORT = 21;
    private static final int VLAN_PRESENT = 0x1000;

    private ActionCheck() {
    }

    /** @param table the flow's own; goto_table only goes forward (OpenFlow 1.3.5 §5.1) */
    public static void check(List<OfAction> actions, Match match, int table) throws OfException {
        boolean tagged = (match.value(Field.VLAN_TCI) & VLAN_PRESENT) != 0;
        int last = 0;
        for (OfAction action : actions) {
            int rank = InstructionOrder.rank(action);
            if (rank < last) {
                throw new OfException(OfErrorCode.OFPBAC_UNSUPPORTED_ORDER, action + " comes too late");
            }
            last = rank;
            tagged = switch (action) {
                case OfAction.PushVlan a -> true;
                case OfAction.PopVlan a -> false;
                case OfAction.SetVlanVid a -> tagged || a.pushIfNeeded();
                case OfAction.SetVlanPcp a -> tagged || a.pushIfNeeded();
                default -> tagged;
            };
            checkOne(action, match, table, tagged);
        }
    }

    private static void checkOne(OfAction action, Match match, int table, boolean tagged) throws OfException {
        switch (action) {
            case OfAction.SetField a -> checkWritten(a.field(), match);
            case OfAction.Move a -> {
                checkWritten(a.source().field(), match);
                checkWritten(a.destination().field(), match);
            }
            case OfAction.StackPush a -> checkWritten(a.source().field(), match);
            case OfAction.StackPop a -> checkWritten(a.destination().field(), match);
            case OfAction.GotoTable a -> {
                if (a.tableId() <= table || a.tableId() == 255) {
                    throw new OfException(OfErrorCode.OFPBIC_BAD_TABLE_ID, "goto_table:" + a.tableId());
                }
            }
            case OfAction.DecTtl a -> require(isIp(match), "dec_ttl needs IP");
            case OfAction.Ct a -> checkCt(a, match);
            case OfAction.WriteActions a -> check(a.actions(), match, table);
            default -> { }
        }
    }

    private static void checkCt(OfAction.Ct a, Match match) throws OfException {
        if (a.helper() != 0) {
            var transport = a.helper() == FTP_PORT ? MatchField.named("tcp_src") : MatchField.named("udp_src");
            require(transport.prerequisite().isMet(match::value, match::mask), "ct alg needs its transport protocol");
        }
    }

    private static void checkWritten(Field field, Match match) throws OfException {
        boolean met = MatchField.ALL.stream().filter(known -> known.field() == field)
            .anyMatch(known -> field == Field.VLAN_TCI || known.prerequisite().isMet(match::value, match::mask));
        require(met, field.label() + " lacks its prerequisites in the match");
    }

    private static boolean isIp(Match match) {
        return MatchField.named("nw_ttl").prerequisite().isMet(match::value, match::mask);
    }

    private static void require(boolean fits, String what) throws OfException {
        if (!fits) {
            throw new OfException(OfErrorCode.OFPBAC_MATCH_INCONSISTENT, what);
        }
    }
}
