package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.VlanStack.Tag;
import org.jspecify.annotations.Nullable;

/**
 * The tags of a packet on its way through NORMAL: as it came in, as the bridge has it inside, where the outermost tag
 * says the VLAN, and as it leaves. Tags are looked at no more than the Ports' modes ask for.
 *
 * <p>Threads: one, under the table lock.
 */
final class NormalVlans {
    private static final int SAYS_SOMETHING = FieldValues.VLAN_VID_MASK | FieldValues.VLAN_PCP_MASK;

    private final Walk walk;

    NormalVlans(Walk walk) {
        this.walk = walk;
    }

    /** The VLAN of the outer tag decides. */
    void lookAtOuter() {
        look(Field.VLAN_TCI, FieldValues.VLAN_VID_MASK | FieldValues.VLAN_PRESENT);
    }

    private void lookAtInner() {
        look(Field.VLAN_TCI1, FieldValues.VLAN_VID_MASK | FieldValues.VLAN_PRESENT);
    }

    private void look(Field tag, int bits) {
        tag.set(walk.wildcards, tag.get(walk.wildcards) | bits);
    }

    /** The packet inside of the bridge. */
    VlanStack inside(PortVlan in) {
        VlanStack tags = walk.state.vlan();
        Tag outer = tags.outer();
        return switch (in.mode()) {
            case TRUNK -> tags;
            case ACCESS -> tags.withOuter(ownTag(in, outer, null));
            case NATIVE_TAGGED, NATIVE_UNTAGGED ->
                tags.outerVlan() != 0 ? tags : tags.withOuter(ownTag(in, outer, outer == null ? null : outer.below()));
            case DOT1Q_TUNNEL -> tags.push(in.qinqEtherType(), in.vlan());
        };
    }

    /** The tag of the port's own VLAN, in place of a priority tag if there is one. */
    private static Tag ownTag(PortVlan in, @Nullable Tag priorityTag, @Nullable Tag below) {
        return priorityTag == null
                ? new Tag(EtherTypes.VLAN, in.vlan() | FieldValues.VLAN_PRESENT, below)
                : new Tag(
                        priorityTag.etherType(),
                        in.vlan() | priorityTag.priorityBits() | FieldValues.VLAN_PRESENT,
                        below);
    }

    /** Whether the packet is flooded by such a Port. */
    boolean includes(PortVlan out, VlanStack inside) {
        int vlan = inside.outerVlan();
        return switch (out.mode()) {
            case TRUNK, NATIVE_TAGGED, NATIVE_UNTAGGED -> out.trunks().contains(vlan);
            case ACCESS -> vlan == out.vlan() && hasNoCustomerVlan(inside);
            case DOT1Q_TUNNEL -> vlan == out.vlan() && carriesCustomerVlan(out, inside);
        };
    }

    private boolean hasNoCustomerVlan(VlanStack inside) {
        lookAtInner();
        return inside.innerVlan() == 0;
    }

    private boolean carriesCustomerVlan(PortVlan out, VlanStack inside) {
        if (out.cvlans().equals(VlanSet.ALL)) {
            return true;
        }
        lookAtInner();
        return out.cvlans().contains(inside.innerVlan());
    }

    /** The packet as it leaves by such a Port. */
    VlanStack outside(PortVlan out, VlanStack inside) {
        Tag outer = inside.outer();
        Tag below = outer == null ? null : outer.below();
        Tag tag = switch (out.mode()) {
            case ACCESS -> null;
            case TRUNK, NATIVE_TAGGED -> outer;
            case NATIVE_UNTAGGED -> inside.outerVlan() == out.vlan() ? below : outer;
            case DOT1Q_TUNNEL -> below;
        };
        return inside.withOuter(
                switch (out.priorityTags()) {
                    case NEVER -> written(tag);
                    case IF_NONZERO -> written(withPriority(tag));
                    case ALWAYS -> withPriority(tag);
                });
    }

    /** The priority is that with which the packet came to NORMAL. */
    private @Nullable Tag withPriority(@Nullable Tag tag) {
        Tag arrived = walk.state.vlan().outer();
        int priority = arrived == null ? 0 : arrived.priorityBits();
        if (tag != arrived) {
            Field.VLAN_TCI.setExact(walk.wildcards);
        }
        if (tag == null) {
            return priority == 0 ? null : new Tag(EtherTypes.VLAN, priority | FieldValues.VLAN_PRESENT, null);
        }
        return new Tag(tag.etherType(), tag.tci() & ~FieldValues.VLAN_PCP_MASK | priority, tag.below());
    }

    /** Leaves out the tag, and the one it came with behind it, where those say nothing. */
    private @Nullable Tag written(@Nullable Tag tag) {
        if (tag == null) {
            return null;
        }
        Tag below = tag.below();
        if (below != null && below == walk.state.vlan().outer() && saysNothing(below)) {
            below = below.below();
        }
        return saysNothing(tag) ? below : new Tag(tag.etherType(), tag.tci(), below);
    }

    private boolean saysNothing(Tag tag) {
        if (tag.vlan() == 0) {
            Field.VLAN_TCI.setExact(walk.wildcards); // The priority is that of the tag it came with.
        }
        return (tag.tci() & SAYS_SOMETHING) == 0;
    }
}
