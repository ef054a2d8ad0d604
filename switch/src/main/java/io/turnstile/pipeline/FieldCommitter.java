package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.PacketParser;
import java.util.List;

/**
 * Knows what the packet's bytes are at this point of the walk ({@code base}) and writes the datapath actions that bring them up to what
 * the walk made of them.
 */
final class FieldCommitter {
    /** In the order in which they are written; ct_* and registers are no bytes. */
    private static final List<Field> WRITABLE = List.of(Field.ETH_SRC, Field.ETH_DST, Field.NW_SRC, Field.NW_DST, Field.IPV6_SRC,
            Field.IPV6_DST, Field.IPV6_LABEL, Field.NW_PROTO, Field.NW_TOS, Field.NW_TTL, Field.ARP_SHA, Field.ARP_THA,
            Field.ND_TARGET, Field.TP_SRC, Field.TP_DST);

    private final long[] wildcards;
    private final List<DatapathAction> out;
    private long[] base;
    private int tagType = EtherTypes.VLAN;

    FieldCommitter(long[] packetKey, long[] wildcards, List<DatapathAction> out) {
        this.base = packetKey.clone();
        this.wildcards = wildcards;
        this.out = out;
    }

    /** The Ethernet type of the tag that the next commit pushes. */
    void nextTagType(int etherType) {
        tagType = etherType;
    }

    /** The bytes are what {@code flow} says from here on: somebody wrote them otherwise. */
    void rebase(long[] flow) {
        base = flow.clone();
    }

    private boolean differs(Field field, long[] flow) {
        return field.get(base) != field.get(flow) || field.getHigh(base) != field.getHigh(flow);
    }

    void commit(long[] flow) {
        for (Field field : WRITABLE) {
            if (differs(field, flow)) {
                write(field, flow);
            }
        }
        if (differs(Field.VLAN_TCI, flow)) {
            commitVlan((int) Field.VLAN_TCI.get(base), (int) Field.VLAN_TCI.get(flow));
            Field.VLAN_TCI.set(base, Field.VLAN_TCI.get(flow));
        }
    }

    private void write(Field field, long[] flow) {
        field.setExact(wildcards);
        out.add(new DatapathAction.SetField(field, field.getHigh(flow), field.get(flow), field.highMask(), field.lowMask()));
        field.set(base, field.getHigh(flow), field.get(flow));
    }

    private void commitVlan(int before, int after) {
        Field.VLAN_TCI.setExact(wildcards);
        if (after == 0) {
            out.add(new DatapathAction.PopVlan());
        } else if (before == 0) {
            out.add(new DatapathAction.PushVlan(tagType, after | PacketParser.VLAN_PRESENT));
        } else {
            out.add(new DatapathAction.SetField(Field.VLAN_TCI, 0, after, 0, Field.VLAN_TCI.lowMask()));
        }
    }
}
