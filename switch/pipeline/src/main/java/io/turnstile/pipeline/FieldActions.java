package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.Prerequisites;

/**
 * The actions that read and write fields of the packet, registers and the stack. A field that the packet lacks is left
 * alone. Threads: one, under the table lock.
 */
final class FieldActions {
    private final Walk walk;
    private final VlanActions vlan;

    FieldActions(Walk walk, VlanActions vlan) {
        this.walk = walk;
        this.vlan = vlan;
    }

    void set(OfAction.SetField set) {
        if (hasField(set.field())) {
            lookAtPayload(set.field());
            write(set.field(), new Bits(set.valueHigh(), set.valueLow()), new Bits(set.maskHigh(), set.maskLow()));
        }
    }

    /**
     * What is behind an IP header has to do with what is written into it: as in Open vSwitch, it counts as looked at.
     */
    private void lookAtPayload(Field written) {
        long[] key = walk.state.key;
        int etherType = (int) Field.ETH_TYPE.get(key);
        boolean looks = switch (written) {
            case NW_SRC, NW_DST, NW_PROTO -> Prerequisites.isIp(etherType) || etherType == EtherTypes.ARP;
            case IPV6_SRC, IPV6_DST, IPV6_LABEL, NW_TOS, NW_TTL -> Prerequisites.isIp(etherType);
            case ARP_SHA, ARP_THA -> etherType == EtherTypes.ARP;
            default -> false;
        };
        if (looks) {
            Field.NW_PROTO.setExact(walk.wildcards);
        }
    }

    void move(OfAction.Move move) {
        // Both are looked at, whichever the packet lacks.
        boolean readable = hasField(move.source().field());
        boolean writable = hasField(move.destination().field());
        if (readable && writable) {
            write(move.destination(), read(move.source()));
        }
    }

    /** Metadata is no part of the packet, so that the datapath has nothing to do. */
    void writeMetadata(OfAction.WriteMetadata write) {
        new Bits(0, write.value()).writeTo(Field.METADATA, new Bits(0, write.mask()), walk.state.key);
    }

    /** A queue's number is its priority in the datapath, as in Open vSwitch's userspace datapath. */
    void setQueue(OfAction.SetQueue set) {
        writePriority(Integer.toUnsignedLong(set.queueId()));
    }

    void popQueue() {
        Field.SKB_PRIORITY.setExact(walk.wildcards);
        long queue = walk.arrivalPriority;
        if (Field.SKB_PRIORITY.get(walk.state.key) != queue) {
            writePriority(queue);
            walk.report.detail(queue == 0 ? "queue = %d" : "queue = 0x%x", queue);
        }
    }

    private void writePriority(long priority) {
        write(Field.SKB_PRIORITY, new Bits(0, priority), new Bits(0, Field.SKB_PRIORITY.lowMask()));
    }

    void push(OfAction.SubField source) {
        WalkState state = walk.state;
        Bits value = read(source);
        state.stack.add(value.high());
        state.stack.add(value.low());
    }

    void pop(OfAction.SubField destination) {
        WalkState state = walk.state;
        if (state.stack.isEmpty()) {
            walk.report.error("stack underflow");
            return;
        }
        long low = state.stack.removeLast();
        Bits value = new Bits(state.stack.removeLast(), low).and(Bits.ones(destination.widthBits()));
        if (hasField(destination.field())) {
            write(destination, value);
        }
    }

    /** The bits of the field, which count as looked at. */
    Bits read(OfAction.SubField source) {
        Bits.maskOf(source).orInto(source.field(), walk.wildcards);
        return Bits.read(source, walk.state.key);
    }

    /** Writes the masked bits, both in the key and in what the datapath will have to do. */
    void write(Field field, Bits value, Bits mask) {
        mask.orInto(field, walk.wildcards);
        if (field == Field.VLAN_TCI) {
            vlan.setTci(value, mask);
        } else {
            value.writeTo(field, mask, walk.state.key);
            walk.rewrites.written(field, mask);
        }
    }

    /** Writes these bits if the packet has the field, and reports it. */
    void load(OfAction.SubField destination, Bits value) {
        if (hasField(destination.field())) {
            write(destination, value);
        }
    }

    private void write(OfAction.SubField destination, Bits value) {
        write(destination.field(), value.shiftedLeft(destination.offsetBits()), Bits.maskOf(destination));
        walk.report.written(destination, walk.state.key);
    }

    private boolean hasField(Field field) {
        boolean bare = Field.PACKET_TYPE.get(walk.state.key) != 0;
        return !(bare && EncapActions.isOfEthernet(field))
                && Prerequisites.areMet(field, walk.state.key, walk.wildcards);
    }
}
