package io.turnstile.datapath;

import java.util.Arrays;

/**
 * What every datapath flow matches on of VLAN tags: whether there is one, and its id. The text of a flow without a tag
 * means that none may be there, as in Open vSwitch, so a flow must not mean anything else.
 *
 * <p>Threads: stateless.
 */
final class TagMask {
    private TagMask() {}

    /** Adds it to a mask that says nothing of the tag. */
    static void complete(long[] mask) {
        if (Field.VLAN_TCI.get(mask) == 0) {
            Field.VLAN_TCI.set(mask, FieldValues.VLAN_PRESENT | FieldValues.VLAN_VID_MASK);
        }
    }

    /** The mask with it; the same one if it says something of the tag. */
    static long[] completed(long[] mask) {
        if (Field.VLAN_TCI.get(mask) != 0) {
            return mask;
        }
        long[] completed = Arrays.copyOf(mask, mask.length);
        complete(completed);
        return completed;
    }
}
