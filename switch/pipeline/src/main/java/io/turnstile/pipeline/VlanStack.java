package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The VLAN tags of a packet as far as they are known: those that the datapath has looked at, and those pushed since. It
 * finds the datapath actions that lead from one stack to another.
 *
 * <p>Immutable, so that a walk may keep one and go back to it.
 *
 * @param outer the topmost tag, null if there is none
 * @param innerType Ethernet type behind all known tags
 */
record VlanStack(@Nullable Tag outer, int innerType) {
    /**
     * One tag, and those below it.
     *
     * @param tci with {@link FieldValues#VLAN_PRESENT}
     * @param below the next inner tag or null
     */
    record Tag(int etherType, int tci, @Nullable Tag below) {
        int vlan() {
            return FieldValues.vlanId(tci);
        }

        /** Priority as it stands in the TCI. */
        int priorityBits() {
            return tci & FieldValues.VLAN_PCP_MASK;
        }

        private boolean looksLike(Tag other) {
            return etherType == other.etherType && tci == other.tci;
        }
    }

    /** The stack of a packet with this key; a key that was made by hand need not say what types its tags have. */
    static VlanStack of(long[] key) {
        Tag inner = tag(Field.VLAN_TPID1, Field.VLAN_TCI1, key, null);
        return new VlanStack(tag(Field.VLAN_TPID, Field.VLAN_TCI, key, inner), (int) Field.ETH_TYPE.get(key));
    }

    private static @Nullable Tag tag(Field type, Field tci, long[] key, @Nullable Tag below) {
        int bits = (int) tci.get(key);
        int etherType = (int) type.get(key);
        return bits == 0 ? below : new Tag(etherType == 0 ? EtherTypes.VLAN : etherType, bits, below);
    }

    VlanStack push(int etherType, int tci) {
        return withOuter(new Tag(etherType, tci | FieldValues.VLAN_PRESENT, outer));
    }

    VlanStack pop() {
        return outer == null ? this : withOuter(outer.below);
    }

    /** Writes the whole TCI: the presence bit pushes or pops as needed. */
    VlanStack withTci(int tci) {
        if ((tci & FieldValues.VLAN_PRESENT) == 0) {
            return pop();
        }
        return outer == null ? push(EtherTypes.VLAN, tci) : withOuter(new Tag(outer.etherType, tci, outer.below));
    }

    /** The same payload behind other tags. */
    VlanStack withOuter(@Nullable Tag tag) {
        return new VlanStack(tag, innerType);
    }

    /** The same tags over something else. */
    VlanStack over(int etherType) {
        return new VlanStack(outer, etherType);
    }

    /** VLAN of the outer tag; 0 if there is none. */
    int outerVlan() {
        return outer == null ? 0 : outer.vlan();
    }

    /** VLAN of the tag behind the outer one; 0 if there is none. */
    int innerVlan() {
        return outer == null || outer.below == null ? 0 : outer.below.vlan();
    }

    /** Writes into a key what it has room for, two tags, and the Ethernet type behind all of them. */
    void writeTo(long[] key) {
        Tag inner = outer == null ? null : outer.below;
        Field.VLAN_TCI.set(key, outer == null ? 0 : outer.tci);
        Field.VLAN_TPID.set(key, outer == null ? 0 : outer.etherType);
        Field.VLAN_TCI1.set(key, inner == null ? 0 : inner.tci);
        Field.VLAN_TPID1.set(key, inner == null ? 0 : inner.etherType);
        Field.ETH_TYPE.set(key, innerType);
    }

    /**
     * Appends what turns a packet with this stack into one with {@code wanted}: tags are taken off down to those that
     * both have, and put on again. An outer tag that stays is rewritten where it is, unless its type has to be said.
     */
    void transform(VlanStack wanted, List<DatapathAction> actions) {
        int depth = depth(outer);
        int wantedDepth = depth(wanted.outer);
        int common = common(outer, depth, wanted.outer, wantedDepth);
        if (outer != null
                && wanted.outer != null
                && depth == wantedDepth
                && common == depth - 1
                && outer.etherType == EtherTypes.VLAN
                && wanted.outer.etherType == EtherTypes.VLAN) {
            actions.add(new DatapathAction.SetField(Field.VLAN_TCI, 0, wanted.outer.tci, 0, Field.VLAN_TCI.lowMask()));
            return;
        }
        for (int i = common; i < depth; i++) {
            actions.add(new DatapathAction.PopVlan());
        }
        pushDown(wanted.outer, wantedDepth - common, actions);
    }

    private static int depth(@Nullable Tag tag) {
        return tag == null ? 0 : 1 + depth(tag.below);
    }

    /** How many tags, from the innermost one on, look alike. */
    private static int common(@Nullable Tag a, int aDepth, @Nullable Tag b, int bDepth) {
        Tag left = a;
        Tag right = b;
        for (int i = aDepth; left != null && i > bDepth; i--) {
            left = left.below;
        }
        for (int i = bDepth; right != null && i > aDepth; i--) {
            right = right.below;
        }
        int alike = 0;
        while (left != null && right != null) {
            alike = left.looksLike(right) ? alike + 1 : 0;
            left = left.below;
            right = right.below;
        }
        return alike;
    }

    /** Pushes the outermost tags, so many of them, from the inside out. */
    private static void pushDown(@Nullable Tag from, int tags, List<DatapathAction> actions) {
        if (from != null && tags > 0) {
            pushDown(from.below, tags - 1, actions);
            actions.add(new DatapathAction.PushVlan(from.etherType, from.tci));
        }
    }
}
