package io.turnstile.pipeline.flow;

import io.turnstile.conntrack.CtState;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.OfAction.Ports;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a flow may have these actions: asked when a request is read and when it is carried out, so that nothing
 * unsupported gets into a table. Errors are those that Open vSwitch answers with.
 *
 * <p>A field that an action names has to be there in every packet of the flow, as far as the flow's match and the
 * actions before tell (ovs-actions(7), "inconsistent" actions).
 */
public final class ActionCheck {
    private static final int MAX_TABLE = 254;
    private static final int ZONE_BITS = 16;

    /** What is known of the flow's packets at this point of the list. */
    private final long[] known;

    private final int tableId;
    /** If not, dec_ttl leaves a packet without a TTL as it is. */
    private final boolean strict;
    /** Whether the packets are certain to have a connection. */
    private final boolean connected;
    /** Whether nothing is known of the packets, and prerequisites are looked at when one comes. */
    private final boolean anyPacket;

    /** @param ctStateMask which bits of ct_state are known */
    private ActionCheck(long[] known, long ctStateMask, int tableId, boolean strict) {
        this(known, Prerequisite.isConnected(Field.CT_STATE.get(known), ctStateMask), tableId, strict, false);
    }

    private ActionCheck(long[] known, boolean connected, int tableId, boolean strict, boolean anyPacket) {
        this.anyPacket = anyPacket;
        this.known = known;
        this.connected = connected;
        this.tableId = tableId;
        this.strict = strict;
    }

    /**
     * Refuses actions that a flow of that match must not have.
     *
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
        if (match.value(Field.PACKET_TYPE) != 0) {
            Field.ETH_TYPE.set(known, match.value(Field.PACKET_TYPE));
        }
        new ActionCheck(known, match.mask(Field.CT_STATE), tableId, strict).list(actions);
    }

    /**
     * A packet-out: the whole packet is known.
     *
     * @param strict whether all prerequisites count, as for {@link #checkStrictly}
     */
    public static void checkPacketOut(List<OfAction> actions, long[] packetKey, boolean strict) throws OfException {
        new ActionCheck(packetKey.clone(), -1L, FlowMod.ALL_TABLES, strict).list(actions);
    }

    /**
     * A group's bucket: it gets packets of any flow, so that only what no packet allows is refused, as in Open vSwitch.
     */
    public static void checkBucket(List<OfAction> actions) throws OfException {
        for (OfAction action : actions) {
            require(
                    action.kind().instruction() == Instruction.APPLY_ACTIONS,
                    OfErrorCode.OFPBAC_BAD_TYPE,
                    action + " is no action");
        }
        checkOfAnyPacket(actions);
    }

    /** Actions and instructions of which it is not known what packets they are for. */
    public static void checkOfAnyPacket(List<OfAction> actions) throws OfException {
        new ActionCheck(FlowKey.newKey(), false, FlowMod.ALL_TABLES, false, true).list(actions);
    }

    private void list(List<OfAction> actions) throws OfException {
        require(
                besideConjunctions(actions) == null,
                OfErrorCode.NXBAC_BAD_CONJUNCTION,
                "conjunction beside other actions");
        Instruction last = Instruction.METER;
        for (OfAction action : actions) {
            ActionKind kind = action.kind();
            require(
                    kind.instruction().compareTo(last) >= 0,
                    OfErrorCode.OFPBAC_UNSUPPORTED_ORDER,
                    action + " comes too late");
            last = kind.instruction();
            kind.check(action, this);
            retag(kind.tagChange(action));
        }
    }

    // ---- what the rows of ActionKind ask ----

    /** Refuses an output to a port that cannot be. */
    public void outputPort(int port) throws OfException {
        boolean fine = switch (port) {
            case Ports.IN_PORT, Ports.TABLE, Ports.NORMAL, Ports.FLOOD, Ports.ALL, Ports.CONTROLLER, Ports.LOCAL ->
                true;
            default -> Integer.compareUnsigned(port, Ports.MAX_16_BITS) < 0;
        };
        require(fine, OfErrorCode.OFPBAC_BAD_OUT_PORT, "output to port " + Integer.toUnsignedString(port));
    }

    /** Refuses a bundle with a port that cannot be one of those to choose from. */
    public void bundle(OfAction.Bundle bundle) throws OfException {
        for (int port : bundle.members()) {
            outputPort(port);
            require(port != Ports.CONTROLLER, OfErrorCode.OFPBAC_BAD_OUT_PORT, "a bundle with the controller");
        }
        OfAction.FieldPart destination = bundle.destination();
        if (destination != null) {
            writable(destination.toKey());
            require(destination.widthBits() >= 16, OfErrorCode.OFPBAC_BAD_ARGUMENT, "no room for a port's number");
        }
    }

    /** Refuses an enqueue to anything but a port that can have queues. */
    public void enqueuePort(int port) throws OfException {
        boolean fine =
                port == Ports.IN_PORT || port == Ports.LOCAL || Integer.compareUnsigned(port, Ports.MAX_16_BITS) < 0;
        require(fine, OfErrorCode.OFPBAC_BAD_OUT_PORT, "enqueue to port " + Integer.toUnsignedString(port));
    }

    /** Refuses a write that the field or the packets of the flow do not allow. */
    public void setField(OfAction.SetField set) throws OfException {
        Field field = set.field();
        require(Prerequisites.isWritable(field), OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, field.label() + " is read-only");
        boolean fits = (set.valueLow() & ~field.lowMask()) == 0
                && (set.valueHigh() & ~field.highMask()) == 0
                && (set.maskLow() & ~field.lowMask()) == 0
                && (set.maskHigh() & ~field.highMask()) == 0;
        require(fits, OfErrorCode.OFPBAC_BAD_SET_ARGUMENT, "value does not fit " + field.label());
        if (set.spelling() == OfAction.SetField.Spelling.MOD) {
            presentIfStrict(field);
        } else {
            present(field);
        }
        if (field == Field.VLAN_TCI) {
            new Bits(set.valueHigh(), set.valueLow()).writeTo(field, new Bits(0, set.maskLow()), known);
        }
    }

    /** Refuses a move between parts of fields that the packets of the flow do not have, or of different widths. */
    public void move(OfAction.Move move) throws OfException {
        require(
                move.source().widthBits() == move.destination().widthBits(),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "move between different widths");
        readable(move.source());
        writable(move.destination());
    }

    /** Refuses to read what the packets of the flow do not have. */
    public void readable(OfAction.SubField part) throws OfException {
        // Flows may see more bits than packets have: those of ct_state are 32.
        int fieldBits = MatchField.widestOf(part.field());
        boolean inside =
                part.widthBits() > 0 && part.offsetBits() >= 0 && part.offsetBits() + part.widthBits() <= fieldBits;
        require(
                inside,
                OfErrorCode.OFPBAC_BAD_SET_LEN,
                "bits outside " + part.field().label());
        present(part.field());
    }

    /** Refuses to write what the packets of the flow do not have or nobody may write. */
    public void writable(OfAction.SubField part) throws OfException {
        readable(part);
        require(
                Prerequisites.isWritable(part.field()),
                OfErrorCode.OFPBAC_BAD_SET_ARGUMENT,
                part.field().label() + " is read-only");
    }

    private void present(Field field) throws OfException {
        boolean met = anyPacket
                || (Prerequisites.areOfConnection(field)
                        ? connected
                        : Prerequisites.areMet(field, known, FlowKey.newKey()));
        require(met, OfErrorCode.OFPBAC_MATCH_INCONSISTENT, field.label() + " lacks its prerequisites in the match");
    }

    /** Refuses the field where OpenFlow 1.1 and later do; under 1.0 such packets stay as they are. */
    public void presentIfStrict(Field field) throws OfException {
        if (strict) {
            present(field);
        }
    }

    /** Of what is behind a header nothing is known but that of IP in front of nothing else. */
    public void encap(OfAction.Encap encap) {
        Field.PACKET_TYPE.set(known, encap.packetType());
        if (encap.packetType() != 0) {
            Field.ETH_TYPE.set(known, encap.packetType());
        }
        if (!Prerequisites.isIp((int) Field.ETH_TYPE.get(known))) {
            Field.NW_PROTO.set(known, 0);
        }
    }

    /** Behind Ethernet stands what its type says; behind other headers nobody knows before there is a packet. */
    public void decap() {
        if (Field.PACKET_TYPE.get(known) == 0) {
            Field.PACKET_TYPE.set(known, 1L << Short.SIZE | Field.ETH_TYPE.get(known));
        } else {
            Field.PACKET_TYPE.set(known, -1L);
            Field.ETH_TYPE.set(known, 0xffff);
        }
    }

    /** Nothing is known of what is behind labels. */
    public void pushMpls(int etherType) throws OfException {
        require(
                EtherTypes.isMpls(etherType),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "not an MPLS Ethernet type: " + etherType);
        Field.ETH_TYPE.set(known, etherType);
        Field.NW_PROTO.set(known, 0);
    }

    /** What is behind the last label is what the action says. */
    public void popMpls(int etherType) throws OfException {
        presentIfStrict(Field.MPLS_LSE);
        Field.ETH_TYPE.set(known, etherType);
    }

    /** Refuses a goto_table that does not go forward (OpenFlow 1.3.5 §5.1). */
    public void gotoTable(int next) throws OfException {
        require(
                next < MAX_TABLE && (tableId == FlowMod.ALL_TABLES || next > tableId),
                OfErrorCode.OFPBIC_BAD_TABLE_ID,
                "goto_table:" + next + " in table " + tableId);
    }

    private void retag(TagChange change) {
        long tci = Field.VLAN_TCI.get(known);
        switch (change) {
            case NONE -> {}
            case PUSHES -> Field.VLAN_TCI.set(known, tci | FieldValues.VLAN_PRESENT);
            case CHANGES -> Field.VLAN_TCI.set(known, tci == 0 ? 0 : tci | FieldValues.VLAN_PRESENT);
            case POPS -> Field.VLAN_TCI.set(known, 0);
        }
    }

    /** Refuses a ct() that could do nothing with packets of the flow, or with something in it that it cannot do. */
    public void conntrack(OfAction.Ct ct) throws OfException {
        if (ct.zoneField() != null) {
            readable(ct.zoneField());
            require(
                    ct.zoneField().widthBits() == ZONE_BITS,
                    OfErrorCode.OFPBAC_BAD_SET_LEN,
                    "a zone has 16 bits, not " + ct.zoneField().widthBits());
        }
        require((ct.zone() & ~0xffff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "zone " + ct.zone());
        require((ct.recircTable() & ~0xff) == 0, OfErrorCode.OFPBAC_BAD_ARGUMENT, "no table " + ct.recircTable());
        require(!ct.force() || ct.commit(), OfErrorCode.OFPBAC_BAD_ARGUMENT, "ct: force without commit");
        require(
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
        require(
                anyPacket || ip && !ofInvalid && !othersHelper,
                OfErrorCode.OFPBAC_MATCH_INCONSISTENT,
                "ct: not for the packets of this match");
        for (OfAction nested : ct.exec()) {
            if (nested instanceof OfAction.Nat nat) {
                range(nat.request());
            }
            if (!anyPacket
                    && nested instanceof OfAction.Nat nat
                    && nat.request().hasAddresses()) {
                require(
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
        require(!lastAlone && !portsAlone && !reversed, OfErrorCode.OFPBAC_BAD_ARGUMENT, "nat: bad range");
    }

    /** Inside {@code ct(exec(…))} only ct_mark and ct_label may be written. */
    private void nested(OfAction action) throws OfException {
        if (action instanceof OfAction.Move move) {
            readable(move.source());
            require(
                    move.source().widthBits() == move.destination().widthBits(),
                    OfErrorCode.OFPBAC_BAD_ARGUMENT,
                    "move between different widths");
        }
        require(
                action.kind().belongsInCt(action),
                OfErrorCode.OFPBAC_BAD_ARGUMENT,
                "ct: exec may set only ct_mark and ct_label");
    }

    /** Refuses what packets other than TCP's cannot do, where OpenFlow 1.1 and later do. */
    public void tcpIfStrict() throws OfException {
        require(
                !strict
                        || Field.NW_PROTO.get(known) == IpProtocols.TCP
                                && Prerequisites.isIp((int) Field.ETH_TYPE.get(known)),
                OfErrorCode.OFPBAC_MATCH_INCONSISTENT,
                "only packets of TCP have a FIN");
    }

    /** Refuses a learned flow that could not be, or whose parts the packets do not have. */
    public void learn(OfAction.Learn learn) throws OfException {
        if (learn.result() != null) {
            writable(learn.result().toKey());
        }
        long[] learned = FlowKey.newKey();
        for (OfAction.LearnedPart part : learn.parts()) {
            switch (part) {
                case OfAction.LearnedPart.Matched a -> {
                    has(a.source(), known);
                    has(a.destination(), learned);
                }
                case OfAction.LearnedPart.MatchedValue a -> {
                    has(a.destination(), learned);
                    OfAction.SubField place = a.destination().toKey();
                    a.value().shiftedLeft(place.offsetBits()).writeTo(place.field(), Bits.maskOf(place), learned);
                }
                case OfAction.LearnedPart.Loaded a -> {
                    has(a.source(), known);
                    loadable(a.destination(), learned);
                }
                case OfAction.LearnedPart.LoadedValue a -> loadable(a.destination(), learned);
                case OfAction.LearnedPart.Output a -> has(a.source(), known);
            }
        }
    }

    private void loadable(OfAction.FieldPart part, long[] packets) throws OfException {
        has(part, packets);
        require(
                part.field().access().isOfFlows(),
                OfErrorCode.OFPBAC_BAD_SET_ARGUMENT,
                part.field().name() + " is read-only");
    }

    /** @param packets what is known of them */
    private void has(OfAction.FieldPart part, long[] packets) throws OfException {
        require(
                part.widthBits() > 0
                        && part.offsetBits() + part.widthBits() <= part.field().widthBits(),
                OfErrorCode.OFPBAC_BAD_SET_LEN,
                "bits outside " + part.field().name());
        Prerequisite prerequisite = part.field().prerequisite();
        boolean met = packets == known && anyPacket
                || (prerequisite == Prerequisite.CT
                        ? packets == known && connected
                        : prerequisite.isMet(packets, FlowKey.newKey()));
        require(met, OfErrorCode.OFPBAC_MATCH_INCONSISTENT, part.field().name() + " lacks its prerequisites");
    }

    /** The first action that may not stand in a list together with a conjunction; null if there is no such. */
    static @Nullable OfAction besideConjunctions(List<OfAction> actions) {
        boolean conjunctive = false;
        OfAction other = null;
        for (OfAction action : actions) {
            conjunctive |= action instanceof OfAction.Conjunction;
            if (other == null && !(action instanceof OfAction.Conjunction) && !(action instanceof OfAction.Note)) {
                other = action;
            }
        }
        return conjunctive ? other : null;
    }

    /** Refuses what may not be done with a copy of the packet; the packet itself stays as it is. */
    public void aside(List<OfAction> actions) throws OfException {
        for (OfAction action : actions) {
            require(
                    action.kind().instruction() == Instruction.APPLY_ACTIONS,
                    OfErrorCode.OFPBIC_UNSUP_INST,
                    "no action but an instruction");
        }
        new ActionCheck(known.clone(), connected, tableId, strict, anyPacket).list(actions);
    }

    /** Refuses what may not stand in an action set. */
    public void actionSet(List<OfAction> actions) throws OfException {
        for (OfAction action : actions) {
            require(
                    action.kind().setPlace() != SetPlace.NONE
                            && !(action instanceof OfAction.Controller controller && !controller.isPlain()),
                    OfErrorCode.OFPBAC_BAD_TYPE,
                    "not allowed in an action set");
        }
        list(actions);
    }

    /** Refuses the action unless it is allowed. */
    public static void require(boolean allowed, OfErrorCode code, String detail) throws OfException {
        if (!allowed) {
            throw new OfException(code, detail);
        }
    }
}
