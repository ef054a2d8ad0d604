package io.turnstile.pipeline;

import java.util.BitSet;
import java.util.Collection;

/** A set of VLAN ids, 0 to 4095. Immutable. */
public final class VlanSet {
    private static final int VLANS = 4096;

    /** Every VLAN. */
    public static final VlanSet ALL = new VlanSet(filled());
    /** None. */
    public static final VlanSet NONE = new VlanSet(new BitSet());

    private final BitSet vlans;

    private VlanSet(BitSet vlans) {
        this.vlans = vlans;
    }

    private static BitSet filled() {
        BitSet all = new BitSet(VLANS);
        all.set(0, VLANS);
        return all;
    }

    /** Those of the collection that are VLAN ids. */
    public static VlanSet of(Collection<Long> vlans) {
        BitSet bits = new BitSet(VLANS);
        vlans.stream().filter(vlan -> vlan >= 0 && vlan < VLANS).forEach(vlan -> bits.set(vlan.intValue()));
        return new VlanSet(bits);
    }

    /** What a column says that stands for all VLANs where it is empty. */
    public static VlanSet orAll(Collection<Long> vlans) {
        return vlans.isEmpty() ? ALL : of(vlans);
    }

    public boolean contains(int vlan) {
        return vlans.get(vlan);
    }

    VlanSet with(int vlan) {
        BitSet more = (BitSet) vlans.clone();
        more.set(vlan);
        return new VlanSet(more);
    }

    VlanSet without(int vlan) {
        BitSet fewer = (BitSet) vlans.clone();
        fewer.clear(vlan);
        return new VlanSet(fewer);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VlanSet set && vlans.equals(set.vlans);
    }

    @Override
    public int hashCode() {
        return vlans.hashCode();
    }

    @Override
    public String toString() {
        if (vlans.cardinality() <= VLANS / 2) {
            return vlans.toString();
        }
        BitSet missing = filled();
        missing.andNot(vlans);
        return missing.isEmpty() ? "all" : "all but " + missing;
    }
}
