package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.text.InstructionOrder;
import io.turnstile.pipeline.text.MatchField;
import io.turnstile.pipeline.text.Prerequisite;
import java.util.List;

/**
 * Whether a flow may have these actions: asked when a request is read and when it is carried out, so that nothing
 * unsupported gets into a table. Errors are those that Open vSwitch answers with.
 *
 * <p>A field that an action names has to be there in every packet of the flow, as far as the flow's match and the
 * actions before tell (ovs-actions(7), "inconsistent" actions).
 */
public final class ActionCheck {
    private static final int MAX_TABLE = 254;
    private static final int FIRST_RESERVED_PORT = 0xff00;
    private static final int ZONE_BITS = 16;

    /** What is known of the flow's packets at this point of the list. */
    private final long[] known;

    private final int tableId;
    /** If not, dec_ttl leaves a packet without a TTL as it is. */
    private final boolean strict;
    /** Whether the packets are certain to have a connection. */
    private final boolean connected;

    /** @param ctStateMask which bits of ct_state are known */
    private ActionCheck(long[] known, long ctStateMask, int tableId, boolean strict) {
        this.known = known;
        this.connected = Prerequisite.isConnected(Field.CT_STATE.get(known), ctStateMask);
        this.tableId = tableId;
        this.strict = strict;
    }

    /**
     * @param tableId the flow's own, or {@link FlowMod#ALL_TABLES}; goto_table only goes forward (OpenFlow 1.3.5 §5.1)
     * @throws OfException names the first action at fault
     */
    public static void check(List<OfAction> actions, Match match, int tableId) throws OfException {
        check(actions, match, tableId, false);
    }

    /** The same for OpenFlow 1.1 and later, where dec_ttl too has prerequisites. */
    public static void checkStrictly(List<OfAction> actions, Match match, int tableId) throws OfException {
        check(actions, match, tableId, true);
    }

    private static void check(List<OfAction> actions, Match match, int tableId, boolean strict) throws OfException {
        long[] known = match.copyOfValue();
        for (Field field : new Field[] {Field.ETH_TYPE, Field.NW_PROTO}) {
            if (!match.isExact(field)) {
                field.set(known, 0);
            }
        }
        new ActionCheck(known, match.mask(Field.CT_STATE), tableId, strict).list(actions);
    }

    /** A packet-out: the whole packet is known. */
    static void checkPacketOut(List<OfAction> actions, long[] packetKey) throws OfException {
        new ActionCheck(packetKey.clone(), -1L, FlowMod.ALL_TABLES, false).list(actions);
    }

    private void list(List<OfAction> actions) throws OfException {
        int last = 0;
        for (OfAction action : actions) {
            int rank = InstructionOrder.rank(action);
            refuseUnless(rank >= last, OfErrorCode.OFPBAC_UNSUPPORTED_ORDER, action + " comes too late");
            last = rank;
            one(action);
        }
    }

    private void one(OfAction action) throws OfException {
        switch (action) {
            case OfAction.Output output -> port(output.port());
            case OfAction.OutputField output -> readable(output.source());
            case OfAction.SetField set -> setField(set);
            case OfAction.Move move -> move(move);
            case OfAction.SetVlanVid set -> {
                refuseUnless((set.vid() & ~0xfff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "VLAN id " + set.vid());
                tagged(set.pushIfNeeded());
            }
            case OfAction.SetVlanPcp set -> {
                refuseUnless((set.pcp() & ~7) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "VLAN priority " + set.pcp());
                tagged(set.pushIfNeeded());
            }
            case OfAction.PushVlan push -> {
                refuseUnless(
                        push.etherType() == EtherTypes.VLAN || push.etherType() == EtherTypes.QINQ,
                        OfErrorCode.OFPBAC_BAD_ARGUMENT,
                        "not a VLAN Ethernet type: " + push.etherType());
                tagged(true);
            }
            case OfAction.PopVlan _ -> Field.VLAN_TCI.set(known, 0);
            case OfAction.Resubmit resubmit ->
                refuseUnless(
                        (resubmit.tableId() & ~0xff) == 0,
                        OfErrorCode.OFPBAC_BAD_ARGUMENT,
                        "no table " + resubmit.tableId());
            case OfAction.Ct ct -> conntrack(ct);
            case OfAction.GotoTable next ->
                refuseUnless(
                        next.tableId() < MAX_TABLE && (tableId == FlowMod.ALL_TABLES || next.tableId() > tableId),
                        OfErrorCode.OFPBIC_BAD_TABLE_ID,
                        "goto_table:" + next.tableId() + " in table " + tableId);
            case OfAction.WriteActions write -> actionSet(write.actions());
            case OfAction.StackPush push -> readable(push.source());
            case OfAction.StackPop pop -> writable(pop.destination());
            case OfAction.DecTtl _ -> {
                if (strict) {
                    present(Field.NW_TTL);
                }
            }
            case OfAction.Nat _ -> throw new OfException(OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, "nat outside of ct");
            case OfAction.Controller _,
                    OfAction.CtClear _,
                    OfAction.WriteMetadata _,
                    OfAction.ClearActions _,
                    OfAction.Note _ -> {
                // Always possible.
            }
        }
    }

    private static void port(int port) throws OfException {
        boolean fine = switch (port) {
            case Ports.IN_PORT, Ports.TABLE, Ports.NORMAL, Ports.FLOOD, Ports.ALL, Ports.CONTROLLER, Ports.LOCAL ->
                true;
            default -> Integer.compareUnsigned(port, FIRST_RESERVED_PORT) < 0;
        };
        refuseUnless(fine, OfErrorCode.OFPBAC_BAD_OUT_PORT, "output to port " + Integer.toUnsignedString(port));
    }

    private void setField(OfAction.SetField set) throws OfException {
        Field field = set.field();
        refuseUnless(
                Prerequisites.isWritable(field), OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, field.label() + " is read-only");
        boolean fits = (set.valueLow() & ~field.lowMask()) == 0
                && (set.valueHigh() & ~field.highMask()) == 0
                && (set.maskLow() & ~field.lowMask()) == 0
                && (set.maskHigh() & ~field.highMask()) == 0;
        refuseUnless(fits, OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, "value does not fit " + field.label());
        present(field);
        if (field == Field.VLAN_TCI) {
            new Bits(set.valueHigh(), set.valueLow()).writeTo(field, new Bits(0, set.maskLow()), known);
        }
    }

    private void move(OfAction.Move move) throws OfException {
        refuseUnless(
                move.source().widthBits() == move.destination().widthBits(),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "move between different widths");
        readable(move.source());
        writable(move.destination());
    }

    private void readable(OfAction.SubField part) throws OfException {
        // Flows may see more bits than packets have: those of ct_state are 32.
        int fieldBits = MatchField.widestOf(part.field());
        boolean inside =
                part.widthBits() > 0 && part.offsetBits() >= 0 && part.offsetBits() + part.widthBits() <= fieldBits;
        refuseUnless(
                inside,
                OfErrorCode.OFPBAC_BAD_SET_LEN,
                "bits outside " + part.field().label());
        present(part.field());
    }

    private void writable(OfAction.SubField part) throws OfException {
        readable(part);
        refuseUnless(
                Prerequisites.isWritable(part.field()),
                OfErrorCode.OFPBAC_BAD_SET_ARGUMENT,
                part.field().label() + " is read-only");
    }

    private void present(Field field) throws OfException {
        boolean met =
                Prerequisites.areOfConnection(field) ? connected : Prerequisites.areMet(field, known, FlowKey.newKey());
        refuseUnless(
                met, OfErrorCode.OFPBAC_MATCH_INCONSISTENT, field.label() + " lacks its prerequisites in the match");
    }

    private void tagged(boolean pushes) {
        if (pushes || Field.VLAN_TCI.get(known) != 0) {
            Field.VLAN_TCI.set(known, Field.VLAN_TCI.get(known) | FieldValues.VLAN_PRESENT);
        }
    }

    private void conntrack(OfAction.Ct ct) throws OfException {
        if (ct.zoneField() != null) {
            readable(ct.zoneField());
            refuseUnless(
                    ct.zoneField().widthBits() == ZONE_BITS,
                    OfErrorCode.OFPBAC_BAD_SET_LEN,
                    "a zone has 16 bits, not " + ct.zoneField().widthBits());
        }
        refuseUnless((ct.zone() & ~0xffff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "zone " + ct.zone());
        refuseUnless((ct.recircTable() & ~0xff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "no table " + ct.recircTable());
        refuseUnless(!ct.force() || ct.commit(), OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct: force without commit");
        refuseUnless(
                ct.commit() || ct.exec().stream().allMatch(ActionCheck::isBareNat),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "ct: without commit there is nothing but nat without arguments");
        for (OfAction nested : ct.exec()) {
            nested(nested);
        }
        consistent(ct);
    }

    private static boolean isBareNat(OfAction action) {
        return action instanceof OfAction.Nat nat && nat.request().equals(NatRequest.ANY);
    }

    /** What a packet of the match can't bear is refused here, not when it comes. */
    private void consistent(OfAction.Ct ct) throws OfException {
        int etherType = (int) Field.ETH_TYPE.get(known);
        int protocol = (int) Field.NW_PROTO.get(known);
        boolean ip = etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6;
        boolean ofInvalid = ct.commit() && (Field.CT_STATE.get(known) & CtState.INV) != 0;
        boolean othersHelper = ct.helper() == OfAction.Ct.FTP && protocol != IpProtocols.TCP
                || ct.helper() == OfAction.Ct.TFTP && protocol != IpProtocols.UDP;
        refuseUnless(
                ip && !ofInvalid && !othersHelper,
                OfErrorCode.OFPBAC_MATCH_INCONSISTENT,
                "ct: not for the packets of this match");
        for (OfAction nested : ct.exec()) {
            if (nested instanceof OfAction.Nat nat) {
                range(nat.request());
            }
            if (nested instanceof OfAction.Nat nat && nat.request().hasAddresses()) {
                refuseUnless(
                        etherType == (nat.request().ipv6() ? EtherTypes.IPV6 : EtherTypes.IPV4),
                        OfErrorCode.OFPBAC_MATCH_INCONSISTENT,
                        "nat: addresses of the other family");
            }
        }
    }

    /** What cannot be said on the wire, where an all-zero first address and a first port 0 are none. */
    private static void range(NatRequest nat) throws OfException {
        boolean zeroFirst = (nat.minHigh() | nat.minLow()) == 0;
        boolean lastAlone = nat.hasAddresses() && zeroFirst || nat.minPort() == 0 && nat.maxPort() != 0;
        int high = Long.compareUnsigned(nat.maxHigh(), nat.minHigh());
        boolean reversed = high < 0
                || high == 0 && Long.compareUnsigned(nat.maxLow(), nat.minLow()) < 0
                || nat.maxPort() < nat.minPort();
        boolean portsAlone = nat.hasPorts() && !nat.hasAddresses();
        refuseUnless(!lastAlone && !portsAlone && !reversed, OfErrorCode.OFPBAC_BAD_ARGUMENT, "nat: bad range");
    }

    /** Inside {@code ct(exec(…))} only ct_mark and ct_label may be written. */
    private void nested(OfAction action) throws OfException {
        Field written = switch (action) {
            case OfAction.SetField set -> set.field();
            case OfAction.Move move -> {
                readable(move.source());
                refuseUnless(
                        move.source().widthBits() == move.destination().widthBits(),
                        OfErrorCode.OFPBAC_BAD_ARGUMENT,
                        "move between different widths");
                yield move.destination().field();
            }
            default -> null;
        };
        if (action instanceof OfAction.Nat) {
            return;
        }
        refuseUnless(
                written == Field.CT_MARK || written == Field.CT_LABEL,
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "ct: exec may set only ct_mark and ct_label");
    }

    private void actionSet(List<OfAction> actions) throws OfException {
        for (OfAction action : actions) {
            refuseUnless(ActionSet.mayHold(action), OfErrorCode.OFPBAC_BAD_TYPE, "not allowed in an action set");
        }
        list(actions);
    }

    private static void refuseUnless(boolean allowed, OfErrorCode code, String detail) throws OfException {
        if (!allowed) {
            throw new OfException(code, detail);
        }
    }
}
