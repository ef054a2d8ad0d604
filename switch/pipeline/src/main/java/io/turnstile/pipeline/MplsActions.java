package io.turnstile.pipeline;

import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.KeyLayer;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.List;

/**
 * The actions on MPLS label stacks (ovs-actions(7), "Encapsulation Actions"). What stands behind labels is not known:
 * once the last one is popped, whatever looks there waits for the packet to recirculate ({@link #needsPayload}).
 *
 * <p>Threads: one, under the table lock.
 */
final class MplsActions {
    /** RFC 3032 §2.1: IPv4 Explicit Null, and IPv6 Explicit Null. */
    private static final int NULL_LABEL = 0;

    private static final int NULL_LABEL_OF_IPV6 = 2;
    private static final int FIRST_TTL = 64;
    private static final int DSCP_SHIFT = 2;

    private final Walk walk;
    private final FieldActions fields;

    MplsActions(Walk walk, FieldActions fields) {
        this.walk = walk;
        this.fields = fields;
    }

    /** The first entry is made of the IP header, each further one is a copy of the one it is pushed onto. */
    void push(OfAction.PushMpls push) {
        push(push.etherType(), true, "MPLS push");
    }

    /**
     * The same for labels in front of everything.
     *
     * @param onto whether there are some already
     * @return false if there is no room
     */
    boolean stack(int etherType, boolean onto) {
        return push(etherType, onto, "encap MPLS");
    }

    private boolean push(int etherType, boolean onto, String what) {
        long[] key = walk.state.key;
        int length = onto ? length() : 0;
        if (length >= LabelStack.ENTRIES) {
            walk.report.error("dropping packet on which an " + what + " action can't be performed as it would have more"
                    + " MPLS LSEs than the " + LabelStack.ENTRIES + " supported.");
            walk.fail(DropReason.TOO_MANY_LABELS);
            return false;
        }
        if (length == 0) {
            walk.commit();
            Field.MPLS_LSE.set(key, firstEntry());
            LabelStack.fields().subList(1, LabelStack.ENTRIES).forEach(entry -> entry.set(key, 0));
            forgetPayload(key);
        } else {
            List<Field> entries = LabelStack.fields();
            for (int i = length; i > 0; i--) {
                entries.get(i - 1).setExact(walk.wildcards);
                entries.get(i).set(key, entries.get(i - 1).get(key));
            }
            Field.MPLS_LSE.set(key, Field.MPLS_LSE.get(key) & ~LabelStack.BOTTOM);
        }
        becomes(etherType);
        return true;
    }

    private long firstEntry() {
        long[] key = walk.state.key;
        int etherType = (int) Field.ETH_TYPE.get(key);
        long trafficClass = 0;
        long ttl = FIRST_TTL;
        if (Prerequisites.isIp(etherType)) {
            new Bits(0, FieldValues.DSCP_MASK).orInto(Field.NW_TOS, walk.wildcards);
            Field.NW_TTL.setExact(walk.wildcards);
            trafficClass = LabelStack.trafficClass(
                    (Field.NW_TOS.get(key) & FieldValues.DSCP_MASK) >> DSCP_SHIFT << LabelStack.CLASS_SHIFT);
            ttl = Field.NW_TTL.get(key) == 0 ? FIRST_TTL : Field.NW_TTL.get(key);
        }
        long label = etherType == EtherTypes.IPV6 ? NULL_LABEL_OF_IPV6 : NULL_LABEL;
        return label << LabelStack.LABEL_SHIFT | trafficClass << LabelStack.CLASS_SHIFT | LabelStack.BOTTOM | ttl;
    }

    private static void forgetPayload(long[] key) {
        for (Field field : Field.values()) {
            if (field.layer() == KeyLayer.NETWORK || field.layer() == KeyLayer.TRANSPORT || field == Field.DP_HASH) {
                field.set(key, 0);
            }
        }
    }

    void pop(OfAction.PopMpls pop) {
        if (pop(pop.etherType(), "MPLS pop action")) {
            walk.state.lostLabels |= !EtherTypes.isMpls(pop.etherType());
        }
    }

    /** The same for labels in front of everything. Returns false if there is nothing to pop, or it fails. */
    boolean unstack(int etherType) {
        return pop(etherType, "MPLS decap");
    }

    private boolean pop(int etherType, String what) {
        long[] key = walk.state.key;
        int length = length();
        List<Field> entries = LabelStack.fields();
        if (length == 0) {
            return false;
        }
        if (length == LabelStack.ENTRIES
                && !LabelStack.isBottom(entries.getLast().get(key))) {
            walk.report.error("dropping packet on which an " + what
                    + " can't be performed as it has more MPLS LSEs than the " + LabelStack.ENTRIES + " supported.");
            walk.fail(DropReason.TOO_MANY_LABELS);
            return false;
        }
        for (int i = 1; i < length; i++) {
            entries.get(i).setExact(walk.wildcards);
            entries.get(i - 1).set(key, entries.get(i).get(key));
        }
        entries.get(length - 1).set(key, 0);
        becomes(etherType);
        return true;
    }

    private void becomes(int etherType) {
        walk.restoreVlan(walk.state.vlan().over(etherType));
    }

    /** As many entries as the key has; what of it tells so counts as looked at. */
    private int length() {
        long[] key = walk.state.key;
        if (EtherTypes.isMpls((int) Field.ETH_TYPE.get(key))) {
            for (Field entry : LabelStack.fields()) {
                new Bits(0, LabelStack.BOTTOM).orInto(entry, walk.wildcards);
                if (LabelStack.isBottom(entry.get(key))) {
                    break;
                }
            }
        }
        return LabelStack.length(key);
    }

    void set(OfAction.SetMpls set) {
        if (EtherTypes.isMpls((int) Field.ETH_TYPE.get(walk.state.key))) {
            int shift = switch (set.part()) {
                case LABEL -> LabelStack.LABEL_SHIFT;
                case TC -> LabelStack.CLASS_SHIFT;
                case TTL -> 0;
            };
            write(set.value(), shift, set.part().widthBits());
        }
    }

    private void write(long value, int shift, int widthBits) {
        fields.write(
                Field.MPLS_LSE,
                new Bits(0, value << shift),
                Bits.ones(widthBits).shiftedLeft(shift));
    }

    /**
     * Takes one off the outermost entry's TTL.
     *
     * @param expired what becomes of a packet that has lived long enough
     * @return false if the list ends here: with that packet, or one without labels
     */
    boolean decrementTtl(Runnable expired) {
        if (EtherTypes.isMpls((int) Field.ETH_TYPE.get(walk.state.key))) {
            int widthBits = OfAction.SetMpls.Part.TTL.widthBits();
            long ttl = LabelStack.ttl(Field.MPLS_LSE.get(walk.state.key));
            Bits.ones(widthBits).orInto(Field.MPLS_LSE, walk.wildcards);
            if (ttl > 1) {
                write(ttl - 1, 0, widthBits);
                return true;
            }
            expired.run();
        }
        walk.report.warning("MPLS decrement TTL exception");
        return false;
    }

    /**
     * Whether the action may look at what was behind labels, which the walk does not know. Outputs do not, nor does
     * what rewrites Ethernet alone; groups find out by themselves.
     */
    static boolean needsPayload(OfAction action) {
        return switch (action) {
            case OfAction.Output _,
                    OfAction.OutputField _,
                    OfAction.Enqueue _,
                    OfAction.SetVlanVid _,
                    OfAction.SetVlanPcp _,
                    OfAction.SetQueue _,
                    OfAction.DebugRecirc _,
                    OfAction.DebugSlow _,
                    OfAction.Group _ -> false;
            case OfAction.SetField set -> isOfPayload(set.field());
            default -> true;
        };
    }

    private static boolean isOfPayload(Field field) {
        return field.layer() == KeyLayer.NETWORK || field.layer() == KeyLayer.TRANSPORT;
    }
}
