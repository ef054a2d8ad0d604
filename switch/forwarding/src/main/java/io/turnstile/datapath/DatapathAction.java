package io.turnstile.datapath;

import io.turnstile.conntrack.CtRequest;

/**
 * What the datapath does with a packet that met a datapath flow: the pipeline's walk, summed up. The names printed by
 * {@code dpctl/dump-flows} are those of Open vSwitch's odp actions. An empty list drops.
 */
public sealed interface DatapathAction {

    /** Send out of a datapath port. */
    record Output(int port) implements DatapathAction {}

    /** Send no more than so many bytes of each frame out of a datapath port. Printed as {@code trunc(…),PORT}. */
    record OutputTruncated(int port, int maxBytes) implements DatapathAction {}

    /**
     * Hand a copy to the pipeline's slow path (a controller action).
     *
     * @param cookie what the pipeline gave to know what to do with it; opaque here
     */
    record Userspace(Object cookie) implements DatapathAction {}

    /**
     * Rewrite bits of one field: {@code field = (field & ~mask) | (value & mask)}. The executor keeps checksums right.
     * Only fields that live in the packet or its metadata (pkt_mark, skb_priority) occur here.
     */
    record SetField(Field field, long valueHigh, long valueLow, long maskHigh, long maskLow)
            implements DatapathAction {}

    /** Push a tag: {@code tci} has bit 0x1000 set. */
    record PushVlan(int tpid, int tci) implements DatapathAction {}

    record PopVlan() implements DatapathAction {}

    /**
     * Push an entry of a label stack in front of the payload, which is of that type from then on.
     *
     * @param entry 32 bits as in RFC 3032 §2.1
     */
    record PushMpls(int etherType, int entry) implements DatapathAction {}

    /** Take the outermost entry of the label stack off; what is behind it is of that type from then on. */
    record PopMpls(int etherType) implements DatapathAction {}

    /** Push an entry of a label stack in front of everything, which is the payload of nothing but it from then on. */
    record AddMpls(int etherType, int entry) implements DatapathAction {}

    /** Push Ethernet in front of a packet that has none. */
    record PushEthernet(long source, long destination) implements DatapathAction {}

    /** Take Ethernet off. */
    record PopEthernet() implements DatapathAction {}

    /**
     * Push a network service header in front of everything.
     *
     * @param header its bytes
     */
    record PushNsh(byte[] header) implements DatapathAction {}

    /** Take the network service header off that the packet begins with. */
    record PopNsh() implements DatapathAction {}

    /** Track. */
    record Ct(CtRequest request) implements DatapathAction {}

    record CtClear() implements DatapathAction {}

    /** Run the actions on a copy of the packet; the packet itself goes on as it was. Printed as {@code clone(…)}. */
    record Clone(DatapathAction[] actions) implements DatapathAction {}

    /**
     * Look the packet up again as {@code recirculationId}: a copy of it, unless this is the last action of the list.
     */
    record Recirculate(int recirculationId) implements DatapathAction {}

    /** Give each packet the hash of its headers, for {@link Field#DP_HASH} of those that recirculate. */
    record Hash(HashAlgorithm algorithm, int basis) implements DatapathAction {}

    /** Let pass what the meter lets pass; the rest ends here. */
    record Metered(Meter meter) implements DatapathAction {}

    /**
     * Runs one of the lists with the packet: frames of more bytes than that, with their Ethernet header, go the first
     * way. Printed as {@code check_pkt_len(size=…,gt(…),le(…))}.
     */
    record CheckPacketLength(int bytes, DatapathAction[] longer, DatapathAction[] others) implements DatapathAction {}

    /** Stop here and count under {@code reason}; what an empty list does, with a name. */
    record Drop(DropReason reason) implements DatapathAction {}
}
