package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;

/** The actions that write VLAN tags. Threads: one, under the table lock. */
final class VlanActions {
    private final Walk walk;

    VlanActions(Walk walk) {
        this.walk = walk;
    }

    void setVid(OfAction.SetVlanVid set) {
        setPart(set.vid(), FieldValues.VLAN_VID_MASK, set.pushIfNeeded());
    }

    void setPcp(OfAction.SetVlanPcp set) {
        setPart(set.pcp() << FieldValues.VLAN_PCP_SHIFT, FieldValues.VLAN_PCP_MASK, set.pushIfNeeded());
    }

    private void setPart(int bits, int mask, boolean pushIfNeeded) {
        int tci = outerTci();
        if (tci != 0 || pushIfNeeded) {
            walk.setVlan(walk.state.vlan().withTci(tci & ~mask | bits | FieldValues.VLAN_PRESENT));
        }
    }

    /** Writes the masked bits of the TCI, the one that says whether there is a tag at all among them. */
    void setTci(Bits value, Bits mask) {
        int tci = (int) (outerTci() & ~mask.low() | value.low() & mask.low());
        walk.setVlan(walk.state.vlan().withTci(tci));
    }

    /**
     * A pushed tag is of VLAN 0, as in Open vSwitch; OpenFlow 1.3.5 §5.12.1 would copy the outer tag's VLAN and
     * priority.
     */
    void push(OfAction.PushVlan push) {
        walk.lookAtTags();
        walk.setVlan(walk.state.vlan().push(push.etherType(), 0));
    }

    void pop() {
        walk.lookAtTags();
        walk.setVlan(walk.state.vlan().pop());
    }

    /** What becomes of the tags depends on all bits of the outer one. */
    private int outerTci() {
        walk.lookAtTags();
        return (int) Field.VLAN_TCI.get(walk.state.key);
    }
}
