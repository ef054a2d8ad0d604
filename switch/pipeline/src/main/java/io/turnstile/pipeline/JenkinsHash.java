package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;

/**
 * The hash by which Open vSwitch chooses a bucket where neither fields nor the datapath's hash do: Bob Jenkins's
 * lookup3 (public domain) over what is the same for both directions of a connection.
 *
 * <p>Threads: stateless.
 */
final class JenkinsHash {
    private static final int START = 0xdead_beef;
    private static final int WORDS = 8;
    private static final int VLAN_ID = FieldValues.VLAN_VID_MASK;

    private JenkinsHash() {}

    /** Addresses, VLAN, Ethernet type, protocol, and ports of TCP and SCTP. */
    static int symmetric(long[] key) {
        int[] words = new int[WORDS];
        int etherType = (int) Field.ETH_TYPE.get(key);
        boolean ip = etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6;
        int protocol = ip ? (int) Field.NW_PROTO.get(key) : 0;
        if (etherType == EtherTypes.IPV4) {
            words[0] = Integer.reverseBytes((int) (Field.NW_SRC.get(key) ^ Field.NW_DST.get(key)));
        } else if (etherType == EtherTypes.IPV6) {
            put(Field.IPV6_SRC.getHigh(key) ^ Field.IPV6_DST.getHigh(key), words, 0);
            put(Field.IPV6_SRC.get(key) ^ Field.IPV6_DST.get(key), words, 2);
        }
        long ports = protocol == IpProtocols.TCP || protocol == IpProtocols.SCTP
                ? Field.TP_SRC.get(key) ^ Field.TP_DST.get(key)
                : 0;
        long ethernet = Field.ETH_SRC.get(key) ^ Field.ETH_DST.get(key);
        words[4] = turned16(etherType) | turned16(Field.VLAN_TCI.get(key) & VLAN_ID) << 16;
        words[5] = turned16(ports) | turned16(ethernet >>> 32) << 16;
        words[6] = Integer.reverseBytes((int) ethernet);
        words[7] = protocol;
        return ofWords(words, 0);
    }

    private static void put(long address, int[] words, int at) {
        words[at] = Integer.reverseBytes((int) (address >>> 32));
        words[at + 1] = Integer.reverseBytes((int) address);
    }

    private static int turned16(long value) {
        return Short.toUnsignedInt(Short.reverseBytes((short) value));
    }

    /** The hash of the words' bytes, the lowest of each word first. */
    static int ofWords(int[] words, int basis) {
        int a = START + words.length * Integer.BYTES + basis;
        int b = a;
        int c = a;
        int at = 0;
        for (; words.length - at >= 3; at += 3) {
            a += words[at];
            b += words[at + 1];
            c += words[at + 2];
            a -= c;
            a ^= Integer.rotateLeft(c, 4);
            c += b;
            b -= a;
            b ^= Integer.rotateLeft(a, 6);
            a += c;
            c -= b;
            c ^= Integer.rotateLeft(b, 8);
            b += a;
            a -= c;
            a ^= Integer.rotateLeft(c, 16);
            c += b;
            b -= a;
            b ^= Integer.rotateLeft(a, 19);
            a += c;
            c -= b;
            c ^= Integer.rotateLeft(b, 4);
            b += a;
        }
        if (at == words.length) {
            return c;
        }
        a += words[at];
        b += at + 1 < words.length ? words[at + 1] : 0;
        c = (c ^ b) - Integer.rotateLeft(b, 14);
        a = (a ^ c) - Integer.rotateLeft(c, 11);
        b = (b ^ a) - Integer.rotateLeft(a, 25);
        c = (c ^ b) - Integer.rotateLeft(b, 16);
        a = (a ^ c) - Integer.rotateLeft(c, 4);
        b = (b ^ a) - Integer.rotateLeft(a, 14);
        return (c ^ b) - Integer.rotateLeft(b, 24);
    }
}
