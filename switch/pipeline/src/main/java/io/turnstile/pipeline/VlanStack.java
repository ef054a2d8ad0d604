package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The VLAN tags of a packet as far as they are known: the outer tag that it came with, and those pushed since. It finds
 * the datapath actions that lead from one stack to another.
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
     * @param identity distinguishes tags of equal content: rewriting a tag keeps it, a pushed tag gets a new one
     * @param tci with {@link FieldValues#VLAN_PRESENT}
     * @param below the next inner tag or null
     */
    record Tag(
            Object identity,
            int etherType,
            int tci,
            @Nullable Tag below) {
        int depth() {
            return below == null ? 1 : below.depth() + 1;
        }
    }

    /**
     * The stack of a packet with this key. The Ethernet type of its tag is not in the key, and is not needed for a tag
     * that stays.
     */
    static VlanStack of(long[] key) {
        int tci = (int) Field.VLAN_TCI.get(key);
        Tag outer = tci == 0 ? null : new Tag(new Object(), EtherTypes.VLAN, tci, null);
        return new VlanStack(outer, (int) Field.ETH_TYPE.get(key));
    }

    VlanStack push(int etherType, int tci) {
        return new VlanStack(new Tag(new Object(), etherType, tci | FieldValues.VLAN_PRESENT, outer), innerType);
    }

    VlanStack pop() {
        return outer == null ? this : new VlanStack(outer.below, innerType);
    }

    /** Writes the whole TCI: the presence bit pushes or pops as needed. */
    VlanStack withTci(int tci) {
        if ((tci & FieldValues.VLAN_PRESENT) == 0) {
            return pop();
        }
        return outer == null
                ? push(EtherTypes.VLAN, tci)
                : new VlanStack(new Tag(outer.identity, outer.etherType, tci, outer.below), innerType);
    }

    /** Writes the outer tag and the Ethernet type behind it into a key. */
    void writeTo(long[] key) {
        Field.VLAN_TCI.set(key, outer == null ? 0 : outer.tci);
        Field.ETH_TYPE.set(key, outer == null || outer.below == null ? innerType : outer.below.etherType);
    }

    /**
     * Appends what turns a packet with this stack into one with {@code wanted}.
     *
     * @param between runs when the packet has the tags that both stacks share and no others: then the headers behind
     *     them can be written
     */
    void transform(VlanStack wanted, List<DatapathAction> actions, Runnable between) {
        Tag kept = outer;
        while (kept != null && find(wanted.outer, kept) == null) {
            actions.add(new DatapathAction.PopVlan());
            kept = kept.below;
        }
        Tag present = kept == null ? null : find(wanted.outer, kept);
        if (kept != null && present != null && present.tci != kept.tci) {
            actions.add(new DatapathAction.SetField(Field.VLAN_TCI, 0, present.tci, 0, Field.VLAN_TCI.lowMask()));
        }
        between.run();
        pushDown(wanted.outer, present, actions);
    }

    /** The tag of {@code stack} that is {@code tag}, with everything below it unchanged; null if there is none. */
    private static @Nullable Tag find(@Nullable Tag stack, Tag tag) {
        Tag candidate = stack;
        while (candidate != null && candidate.identity != tag.identity) {
            candidate = candidate.below;
        }
        return candidate != null && sameTags(candidate.below, tag.below) ? candidate : null;
    }

    private static boolean sameTags(@Nullable Tag a, @Nullable Tag b) {
        Tag left = a;
        Tag right = b;
        while (left != null && right != null && left.identity == right.identity && left.tci == right.tci) {
            left = left.below;
            right = right.below;
        }
        return left == null && right == null;
    }

    /** @param present one of the tags from {@code from} on down, or null for pushing all of them */
    private static void pushDown(@Nullable Tag from, @Nullable Tag present, List<DatapathAction> actions) {
        if (from != null && from != present) {
            pushDown(from.below, present, actions);
            actions.add(new DatapathAction.PushVlan(from.etherType, from.tci));
        }
    }
}
