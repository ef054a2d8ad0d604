package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;

/**
 * How {@link DatapathAction.Hash} hashes a packet: the algorithms of Open vSwitch's userspace datapath, bit by bit, so
 * that both choose the same bucket of a group for the same connection. No hash is 0, which stands for "none yet".
 *
 * <p>Threads: stateless.
 */
public enum HashAlgorithm {
    /** Addresses, protocol and ports: the two directions of a connection differ. */
    L4("l4") {
        @Override
        int rawHash(long[] key, int basis) {
            // A packet has had its hash without a basis before that of the action, where network cards compute it.
            return MurmurHash.ofInt(ofTuple(key), basis);
        }
    },
    /** What is the same for both directions: addresses, protocol, and ports of TCP and SCTP. */
    SYMMETRIC_L4("sym_l4") {
        @Override
        int rawHash(long[] key, int basis) {
            return symmetric(key, basis);
        }
    };

    /** What the hash of a tuple ends with: a number like any other. */
    private static final int TUPLE_END = 42;

    private static final int VLAN_ID = FieldValues.VLAN_VID_MASK;

    private final String label;

    HashAlgorithm(String label) {
        this.label = label;
    }

    /** The name that datapath flows show. */
    public String label() {
        return label;
    }

    /** The hash of the packet with that key; never 0. */
    public int hash(long[] key, int basis) {
        int hash = rawHash(key, basis);
        return hash == 0 ? 1 : hash;
    }

    abstract int rawHash(long[] key, int basis);

    /** Numbers in network order count as the processors read them for which Open vSwitch is mostly built. */
    private static int turned32(long value) {
        return Integer.reverseBytes((int) value);
    }

    private static int turned16(long value) {
        return Short.toUnsignedInt(Short.reverseBytes((short) value));
    }

    private static int ofTuple(long[] key) {
        int hash = 0;
        int etherType = (int) Field.ETH_TYPE.get(key);
        if (etherType == EtherTypes.IPV6) {
            hash = MurmurHash.add64(hash, Long.reverseBytes(Field.IPV6_SRC.getHigh(key)));
            hash = MurmurHash.add64(hash, Long.reverseBytes(Field.IPV6_SRC.get(key)));
            hash = MurmurHash.add64(hash, Long.reverseBytes(Field.IPV6_DST.getHigh(key)));
            hash = MurmurHash.add64(hash, Long.reverseBytes(Field.IPV6_DST.get(key)));
        } else if (etherType == EtherTypes.IPV4 || etherType == EtherTypes.ARP) {
            hash = MurmurHash.add(hash, turned32(Field.NW_SRC.get(key)));
            hash = MurmurHash.add(hash, turned32(Field.NW_DST.get(key)));
        } else {
            return MurmurHash.finish(hash, TUPLE_END);
        }
        int protocol = (int) Field.NW_PROTO.get(key);
        hash = MurmurHash.add(hash, protocol);
        boolean ported = switch (protocol) {
            case IpProtocols.TCP, IpProtocols.UDP, IpProtocols.SCTP, IpProtocols.ICMP, IpProtocols.ICMPV6 -> true;
            default -> false;
        };
        if (ported) {
            hash = MurmurHash.add(hash, turned16(Field.TP_SRC.get(key)) | turned16(Field.TP_DST.get(key)) << 16);
        }
        return MurmurHash.finish(hash, TUPLE_END);
    }

    private static int symmetric(long[] key, int basis) {
        int hash = basis;
        switch ((int) Field.ETH_TYPE.get(key)) {
            case EtherTypes.IPV4 ->
                hash = MurmurHash.add(hash, turned32(Field.NW_SRC.get(key) ^ Field.NW_DST.get(key)));
            case EtherTypes.IPV6 -> {
                hash = MurmurHash.add64(
                        hash, Long.reverseBytes(Field.IPV6_SRC.getHigh(key) ^ Field.IPV6_DST.getHigh(key)));
                hash = MurmurHash.add64(hash, Long.reverseBytes(Field.IPV6_SRC.get(key) ^ Field.IPV6_DST.get(key)));
            }
            default -> {
                return symmetricLink(key, basis);
            }
        }
        int protocol = (int) Field.NW_PROTO.get(key);
        hash = MurmurHash.add(hash, protocol);
        boolean whole = Field.NW_FRAG.get(key) == 0;
        if (whole && (protocol == IpProtocols.TCP || protocol == IpProtocols.SCTP)) {
            hash = MurmurHash.add(hash, turned16(Field.TP_SRC.get(key) ^ Field.TP_DST.get(key)));
        }
        return MurmurHash.finish(hash, basis);
    }

    /** Ethernet type, VLAN and addresses, in the order in which they stand in memory there. */
    private static int symmetricLink(long[] key, int basis) {
        long addresses = Long.reverseBytes(Field.ETH_SRC.get(key) ^ Field.ETH_DST.get(key)) >>> 16;
        int vlan = turned16(Field.VLAN_TCI.get(key) & VLAN_ID);
        int etherType = turned16(Field.ETH_TYPE.get(key));
        int hash = MurmurHash.add(basis, etherType | vlan << 16);
        hash = MurmurHash.add64(hash, addresses);
        return MurmurHash.finish(hash, basis);
    }
}
