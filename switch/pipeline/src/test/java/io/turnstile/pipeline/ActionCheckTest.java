package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What may not get into a table, and the error that says so. */
class ActionCheckTest {
    private static final Match IP = Match.builder().exact(Field.ETH_TYPE, 0x800).build();
    private final PipelineBench bench = new PipelineBench(1);

    private OfErrorCode refusal(int table, Match match, OfAction... actions) {
        OfException refused = catchThrowableOfType(
                OfException.class,
                () -> bench.br0.apply(new FlowMod(
                        FlowMod.Command.ADD,
                        table,
                        1,
                        match,
                        0,
                        0,
                        FlowMod.NO_COOKIE,
                        0,
                        0,
                        0,
                        OfAction.Ports.NONE,
                        Set.of(),
                        List.of(actions))));
        assertThat(bench.allFlows()).as("nothing has changed").hasSize(refused == null ? 1 : 0);
        return refused == null ? null : refused.code();
    }

    private static OfAction set(Field field, long value) {
        return new OfAction.SetField(field, 0, value, field.highMask(), field.lowMask());
    }

    private static OfAction.Ct ct(boolean commit, OfAction.SubField zone, OfAction... exec) {
        return new OfAction.Ct(commit, false, zone, 0, 1, 0, List.of(exec));
    }

    @Test
    void portsThatCannotBeAreRefused() {
        assertThat(refusal(0, Match.ANY, new OfAction.Output(OfAction.Ports.NONE)))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_PORT);
        assertThat(refusal(0, Match.ANY, new OfAction.Output(0xffffff01))).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_PORT);
        assertThat(refusal(0, Match.ANY, new OfAction.Output(0x12345))).isEqualTo(OfErrorCode.OFPBAC_BAD_OUT_PORT);
        assertThat(refusal(0, Match.ANY, new OfAction.Output(77)))
                .as("a port that may come")
                .isNull();
    }

    @Test
    void fieldsNeedTheirPrerequisites() {
        assertThat(refusal(0, Match.ANY, set(Field.NW_SRC, 1))).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, IP, set(Field.TP_SRC, 1))).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, IP, set(Field.NW_SRC, 1))).isNull();
    }

    @Test
    void aLinkLayerAddressBelongsToOneKindOfNeighbourDiscovery() {
        Match.Builder solicitation = Match.builder()
                .exact(Field.ETH_TYPE, 0x86dd)
                .exact(Field.NW_PROTO, 58)
                .exact(Field.TP_SRC, 135)
                .exact(Field.TP_DST, 0);
        assertThat(refusal(0, solicitation.build(), set(Field.ARP_THA, 1)))
                .as("nd_tll")
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, solicitation.build(), set(Field.ARP_SHA, 1)))
                .as("nd_sll")
                .isNull();
    }

    @Test
    void laterFragmentsHaveNoTcpFlags() {
        Match.Builder tcp = Match.builder().exact(Field.ETH_TYPE, 0x800).exact(Field.NW_PROTO, 6);
        OfAction push = new OfAction.StackPush(OfAction.SubField.whole(Field.TCP_FLAGS));
        Match later = Match.builder()
                .exact(Field.ETH_TYPE, 0x800)
                .exact(Field.NW_PROTO, 6)
                .masked(Field.NW_FRAG, 2, 2)
                .build();
        assertThat(refusal(0, later, push)).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, tcp.build(), push)).isNull();
    }

    @Test
    void readOnlyFieldsStayReadOnly() {
        assertThat(refusal(0, IP, set(Field.CT_MARK, 1))).isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT);
        assertThat(refusal(0, IP, set(Field.ETH_TYPE, 1))).isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT);
        assertThat(refusal(
                        0,
                        IP,
                        new OfAction.Move(OfAction.SubField.whole(Field.REG0), OfAction.SubField.whole(Field.CT_MARK))))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT);
    }

    @Test
    void fieldsOfConnectionsNeedAConnection() throws Exception {
        OfAction read = new OfAction.StackPush(OfAction.SubField.whole(Field.CT_NW_SRC));
        for (String match : List.of("ip", "ip,ct_state=+trk", "ip,ct_state=-new", "ip,ct_state=-trk-inv")) {
            assertThat(refusal(0, FlowText.parseMatch(match), read)).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        }
        for (String state : List.of("+trk+new", "+rel", "+trk-inv", "+dnat")) {
            ActionCheck.check(List.of(read), FlowText.parseMatch("ip,ct_state=" + state), 0);
        }
    }

    @Test
    void rangesThatTheWireCannotSayAreRefused() throws Exception {
        for (String nat : List.of("nat(src=0.0.0.0-1.2.3.4)", "nat(src=1.2.3.4:0-100)", "nat(dst=0.0.0.0:80)")) {
            assertThat(refusal(
                            0,
                            IP,
                            FlowText.parseActions("ct(commit," + nat + ")").getFirst()))
                    .isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        }
    }

    @Test
    void valuesHaveToFit() {
        assertThat(refusal(0, IP, new OfAction.SetField(Field.NW_TTL, 0, 0x100, 0, 0x1ff)))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT);
        assertThat(refusal(
                        0,
                        IP,
                        new OfAction.Move(
                                new OfAction.SubField(Field.REG0, 0, 8), new OfAction.SubField(Field.REG1, 0, 9))))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        assertThat(refusal(0, IP, new OfAction.StackPush(new OfAction.SubField(Field.REG0, 30, 8))))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_SET_LEN);
        assertThat(refusal(0, IP, new OfAction.PushVlan(0x9100))).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
    }

    @Test
    void gotoTableGoesForwardOnly() {
        assertThat(refusal(3, IP, new OfAction.GotoTable(3))).isEqualTo(OfErrorCode.OFPBIC_BAD_TABLE_ID);
        assertThat(refusal(3, IP, new OfAction.GotoTable(254))).isEqualTo(OfErrorCode.OFPBIC_BAD_TABLE_ID);
        assertThat(refusal(3, IP, new OfAction.GotoTable(4))).isNull();
    }

    @Test
    void internalTableIsNotForControllers() {
        assertThat(refusal(254, IP)).isEqualTo(OfErrorCode.OFPBRC_EPERM);
    }

    @Test
    void conntrackTakesASixteenBitZoneAndWritesOnlyMarkAndLabel() {
        OfAction.SubField narrow = new OfAction.SubField(Field.REG0, 0, 8);
        assertThat(refusal(0, IP, ct(false, narrow))).isEqualTo(OfErrorCode.OFPBAC_BAD_SET_LEN);
        assertThat(refusal(0, IP, ct(true, null, set(Field.REG0, 1)))).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        assertThat(refusal(0, IP, ct(true, null, new OfAction.Output(1)))).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        assertThat(refusal(0, IP, ct(false, null, set(Field.CT_MARK, 1)))).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
        assertThat(refusal(0, IP, new OfAction.Ct(false, false, null, 0, 1, 21, List.of())))
                .isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, IP, ct(true, null, set(Field.CT_MARK, 1)))).isNull();
    }

    @Test
    void natStandsInCtAndFitsTheMatchsFamily() {
        OfAction range = new OfAction.Nat(
                new NatRequest(NatRequest.Kind.SOURCE, true, 1, 1, 1, 2, 0, 0, false, NatRequest.Choice.DEFAULT));
        OfAction bare = new OfAction.Nat(NatRequest.ANY);
        assertThat(refusal(0, IP, bare)).isEqualTo(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT);
        assertThat(refusal(0, IP, ct(true, null, range))).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, Match.ANY, ct(false, null, bare))).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
        assertThat(refusal(0, IP, ct(false, null, bare))).isNull();
    }

    @Test
    void overlapIsRefusedIfAskedTo() {
        bench.flows("ip,actions=drop");
        OfException refused = catchThrowableOfType(
                OfException.class,
                () -> bench.br0.apply(
                        PipelineBench.parse(FlowMod.Command.ADD, "check_overlap,in_port=1,actions=drop")));
        assertThat(refused.code()).isEqualTo(OfErrorCode.OFPFMFC_OVERLAP);
    }

    /** OpenFlow 1.0's own actions: packets without the field stay as they are. Later versions refuse them. */
    @Test
    void whatSetsOneFieldUnder10NeedsNoPrerequisites() {
        OfAction mod = new OfAction.SetField(Field.NW_SRC, 0, 1, 0, 0xffff_ffffL, OfAction.SetField.Spelling.MOD);
        assertThat(refusal(0, Match.ANY, mod)).isNull();
        OfException strict =
                catchThrowableOfType(OfException.class, () -> ActionCheck.checkStrictly(List.of(mod), Match.ANY, 0));
        assertThat(strict.code()).isEqualTo(OfErrorCode.OFPBAC_MATCH_INCONSISTENT);
    }
}
