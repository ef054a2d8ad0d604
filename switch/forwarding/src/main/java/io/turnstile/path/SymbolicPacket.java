package io.turnstile.path;

import static io.turnstile.datapath.FieldValues.VLAN_PRESENT;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.HashAlgorithm;
import io.turnstile.datapath.KeyLayer;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.PacketParser;
import io.turnstile.path.Composition.Refused;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Any packet of one connection's direction on its way along a walk: of each bit of the flow key it is known either what
 * it is, because the tuple or the walk itself says so, or that it is still as the packet came in. A flow that looks at
 * a bit of the second kind makes it part of the guard.
 *
 * <p>Threads: one.
 */
final class SymbolicPacket {
    private static final int KINDS = 6;
    private static final int TAG_BYTES = PacketParser.VLAN_TAG_BYTES;
    private static final int TCI_BITS = 0xffff & ~VLAN_PRESENT;
    private static final HeaderField[] HEADERS = HeaderField.values();
    /** What a path can write, in the order in which it names it. */
    private static final List<Writable> WRITABLE = writable();
    /** Fields that a flow may look at, by the words of the key that they stand in. */
    private static final Field[][] LOOKED_AT = IntStream.range(0, FlowKey.DATAPATH_WORDS)
            .mapToObj(SymbolicPacket::lookedAtIn)
            .toArray(Field[][]::new);
    /** What is known from the start, by {@link #kind}. */
    private static final long[][] KNOWN = new long[KINDS][];

    static {
        for (boolean ipv6 : new boolean[] {false, true}) {
            for (int protocol : new int[] {IpProtocols.UDP, IpProtocols.TCP, IpProtocols.ICMPV6}) {
                KNOWN[kind(ipv6, protocol)] = knownFromTheStart(ipv6, protocol);
            }
        }
    }

    private final boolean ipv6;
    private final int protocol;
    private final int arrivingTag;

    private final long[] arriving;
    /** What is known: bits of the value count where {@code known} has them. */
    final long[] value;

    private final long[] known;
    private final long[] guardValue = new long[HEADERS.length];
    private final long[] guardMask = new long[HEADERS.length];
    private int tagType;
    private int extraBytes;

    /**
     * @param arriving key with Ethernet type, protocol, tuple and ingress port as the packet comes in; stays as it is
     * @param tag as {@link io.turnstile.datapath.SampledWalk#tag}
     */
    SymbolicPacket(long[] arriving, boolean ipv6, int protocol, int tag) {
        this(arriving, arriving.clone(), KNOWN[kind(ipv6, protocol)].clone(), ipv6, protocol, tag);
        Field.VLAN_TPID.set(value, tagType);
        int index = HeaderField.VLAN_TCI.ordinal();
        guardMask[index] = VLAN_PRESENT;
        guardValue[index] = tag == 0 ? 0 : VLAN_PRESENT;
    }

    private SymbolicPacket(long[] arriving, long[] value, long[] known, boolean ipv6, int protocol, int tag) {
        this.arriving = arriving;
        this.value = value;
        this.known = known;
        this.ipv6 = ipv6;
        this.protocol = protocol;
        arrivingTag = tag;
        tagType = tag >>> 16;
    }

    /** Packets of one kind have the same fields. */
    private static int kind(boolean ipv6, int protocol) {
        int kind = protocol == IpProtocols.TCP ? 1 : protocol == IpProtocols.ICMPV6 ? 2 : 0;
        return ipv6 ? KINDS / 2 + kind : kind;
    }

    private static long[] knownFromTheStart(boolean ipv6, int protocol) {
        long[] known = FlowKey.newKey();
        for (Field field : Field.values()) {
            if (field.isOfDatapath() && isKnownFromTheStart(field, ipv6, protocol)) {
                field.setExact(known);
            }
        }
        return known;
    }

    /** The tuple's fields are, and those that no packet of the protocol has: they are 0. */
    private static boolean isKnownFromTheStart(Field field, boolean ipv6, int protocol) {
        return switch (field) {
            case ETH_DST, ETH_SRC, VLAN_TCI, NW_TOS, NW_TTL -> false;
            case IPV6_LABEL -> !ipv6;
            case TCP_FLAGS -> protocol != IpProtocols.TCP;
            case ARP_SHA, ARP_THA, ND_TARGET, ND_RESERVED, ND_OPTIONS_TYPE -> protocol != IpProtocols.ICMPV6;
            default -> true;
        };
    }

    /** How the path names the field; null if it cannot. */
    private static @Nullable HeaderField headerOf(Field field) {
        return switch (field) {
            case ETH_DST -> HeaderField.ETH_DST;
            case ETH_SRC -> HeaderField.ETH_SRC;
            case VLAN_TCI -> HeaderField.VLAN_TCI;
            case NW_TOS -> HeaderField.NW_TOS;
            case NW_TTL -> HeaderField.NW_TTL;
            case IPV6_LABEL -> HeaderField.IPV6_LABEL;
            case PKT_MARK -> HeaderField.PKT_MARK;
            case SKB_PRIORITY -> HeaderField.SKB_PRIORITY;
            default -> null;
        };
    }

    /** A field and how paths name it. */
    private record Writable(Field field, HeaderField header) {}

    private static List<Writable> writable() {
        List<Writable> all = new ArrayList<>();
        for (Field field : Field.values()) {
            HeaderField header = headerOf(field);
            if (header != null) {
                all.add(new Writable(field, header));
            }
        }
        all.sort(Comparator.comparing(Writable::header));
        return List.copyOf(all);
    }

    // ---- looking ----

    /** A flow has looked at the packet. */
    @Nullable
    Refused lookedAtBy(DatapathFlow flow) {
        if (Field.NW_FRAG.get(flow.key()) != 0) {
            return new Refused(NotCarried.FRAGMENT);
        }
        if (Field.PACKET_TYPE.get(flow.firstKey()) != 0 || Field.ETH_TYPE.get(flow.key()) == EtherTypes.NSH) {
            return new Refused(NotCarried.ENCAPSULATED);
        }
        if (EtherTypes.isMpls((int) Field.ETH_TYPE.get(flow.key()))) {
            return new Refused(NotCarried.MPLS);
        }
        if (Field.ETH_TYPE.get(flow.key()) != Field.ETH_TYPE.get(value) || Field.VLAN_TCI1.get(flow.key()) != 0) {
            return new Refused(NotCarried.MORE_THAN_ONE_TAG);
        }
        long[] key = flow.key();
        long[] mask = flow.mask();
        for (int word = 0; word < LOOKED_AT.length; word++) {
            if ((mask[word] & (~known[word] | key[word] ^ value[word])) != 0) { // mostly what is known is as expected
                Refused refused = lookedAtIn(word, flow);
                if (refused != null) {
                    return refused;
                }
            }
        }
        return null;
    }

    private static Field[] lookedAtIn(int word) {
        return Arrays.stream(Field.values())
                .filter(field -> field.isIn(word)
                        && field.isOfDatapath()
                        && field.layer() != KeyLayer.CONNTRACK
                        && field != Field.RECIRC_ID)
                .toArray(Field[]::new);
    }

    private @Nullable Refused lookedAtIn(int word, DatapathFlow flow) {
        for (Field field : LOOKED_AT[word]) {
            Refused refused = lookedAt(field, flow);
            if (refused != null) {
                return refused;
            }
        }
        return null;
    }

    private @Nullable Refused lookedAt(Field field, DatapathFlow flow) {
        long mask = field.get(flow.mask());
        long maskHigh = field.getHigh(flow.mask());
        long bits = field.get(flow.key());
        if (((bits ^ field.get(value)) & mask & field.get(known)) != 0
                || ((field.getHigh(flow.key()) ^ field.getHigh(value)) & maskHigh & field.getHigh(known)) != 0) {
            return new Refused(NotCarried.UNEXPECTED);
        }
        long open = mask & ~field.get(known);
        if (open == 0 && (maskHigh & ~field.getHigh(known)) == 0) {
            return null;
        }
        HeaderField header = headerOf(field);
        if (header == null) {
            return field == Field.TCP_FLAGS
                    ? new Refused(NotCarried.TCP_FLAGS)
                    : new Refused(NotCarried.LOOKS_AT, field);
        }
        open &= header.fullMask();
        return guard(header, bits & open, open) ? null : new Refused(NotCarried.UNEXPECTED);
    }

    private boolean guard(HeaderField header, long bits, long mask) {
        int index = header.ordinal();
        boolean agrees = ((guardValue[index] ^ bits) & guardMask[index] & mask) == 0;
        guardValue[index] |= bits;
        guardMask[index] |= mask;
        return agrees;
    }

    // ---- writing, as ActionExecutor does ----

    @Nullable
    Refused set(Field field, long high, long low, long maskHigh, long maskLow) {
        switch (field) {
            case VLAN_TCI -> {
                if (isTagged()) {
                    write(field, 0, low, 0, maskLow & TCI_BITS);
                }
            }
            case NW_SRC, NW_DST -> {
                if (!ipv6) {
                    write(field, 0, low, 0, maskLow);
                }
            }
            case IPV6_SRC, IPV6_DST, IPV6_LABEL -> {
                if (ipv6) {
                    write(field, high, low, maskHigh, maskLow);
                }
            }
            case TP_SRC, TP_DST -> {
                if (TupleFields.hasPorts(protocol)) {
                    write(field, 0, low, 0, maskLow);
                } else if (TupleFields.isIcmp(protocol)) {
                    return new Refused(NotCarried.WRITES, field);
                }
            }
            case ARP_SHA, ARP_THA, ND_TARGET, ND_RESERVED, ND_OPTIONS_TYPE -> {
                if (protocol == IpProtocols.ICMPV6) {
                    return new Refused(NotCarried.WRITES, field);
                }
            }
            case NW_PROTO -> {
                // ARP's opcode only.
            }
            default -> {
                if (headerOf(field) == null) {
                    return new Refused(NotCarried.WRITES, field);
                }
                write(field, 0, low, 0, maskLow);
            }
        }
        return null;
    }

    private void write(Field field, long high, long low, long maskHigh, long maskLow) {
        field.set(
                value, field.getHigh(value) & ~maskHigh | high & maskHigh, field.get(value) & ~maskLow | low & maskLow);
        field.set(known, field.getHigh(known) | maskHigh, field.get(known) | maskLow);
    }

    /**
     * Gives the packet its hash. It is known: the algorithms take addresses, protocol and ports of IP packets, and what
     * stands there is the tuple's or was written on the way.
     */
    void hash(HashAlgorithm algorithm, int basis) {
        write(Field.DP_HASH, 0, Integer.toUnsignedLong(algorithm.hash(value, basis)), 0, Field.DP_HASH.lowMask());
    }

    boolean isTagged() {
        return tagType != 0;
    }

    @Nullable
    Refused pushTag(int type, int tci) {
        if (isTagged()) {
            return new Refused(NotCarried.MORE_THAN_ONE_TAG);
        }
        tagType = type;
        extraBytes += TAG_BYTES;
        Field.VLAN_TPID.set(value, type);
        write(Field.VLAN_TCI, 0, tci | VLAN_PRESENT, 0, 0xffff);
        return null;
    }

    /** Nothing happens without a tag. */
    void popTag() {
        if (isTagged()) {
            tagType = 0;
            extraBytes -= TAG_BYTES;
            Field.VLAN_TPID.set(value, 0);
            write(Field.VLAN_TCI, 0, 0, 0, 0xffff);
        }
    }

    /** By how much it is longer now than it came in. */
    int extraBytes() {
        return extraBytes;
    }

    // ---- the result ----

    /** The packet as it is now, when it leaves. */
    SymbolicPacket copy() {
        SymbolicPacket copy = new SymbolicPacket(arriving, value.clone(), known.clone(), ipv6, protocol, arrivingTag);
        copy.tagType = tagType;
        copy.extraBytes = extraBytes;
        return copy;
    }

    /** The key with the tuple as the packet came in. */
    long[] arriving() {
        return arriving;
    }

    List<HeaderBits> guard() {
        List<HeaderBits> guard = new ArrayList<>();
        for (HeaderField header : HEADERS) {
            if (guardMask[header.ordinal()] != 0) {
                guard.add(new HeaderBits(header, guardValue[header.ordinal()], guardMask[header.ordinal()]));
            }
        }
        return guard;
    }

    /** Whether tags that a path cannot tell from others are on the packet as it comes in or is now. */
    boolean hasServiceTag() {
        return arrivingTag != 0 && arrivingTag >>> 16 != EtherTypes.VLAN || isTagged() && tagType != EtherTypes.VLAN;
    }

    /**
     * What is written into a packet that passes the guard.
     *
     * @param leaving the packet as it leaves
     */
    List<HeaderBits> rewrites(SymbolicPacket leaving) {
        List<HeaderBits> rewrites = new ArrayList<>();
        for (Writable each : WRITABLE) {
            HeaderBits bits = each.field == Field.VLAN_TCI ? tagRewrite(leaving) : rewrite(each, leaving);
            if (bits != null) {
                rewrites.add(bits);
            }
        }
        return rewrites;
    }

    private @Nullable HeaderBits rewrite(Writable writable, SymbolicPacket leaving) {
        HeaderField header = writable.header;
        long bits = writable.field.get(leaving.value);
        long mask = header.fullMask() & writable.field.get(leaving.known);
        mask = (mask & ~settled(header, bits)) == 0 ? 0 : mask;
        if (header == HeaderField.PKT_MARK || header == HeaderField.SKB_PRIORITY) {
            mask = bits == 0 ? 0 : header.fullMask(); // 0 as it comes in
        } else if (header == HeaderField.IPV6_LABEL && !ipv6) {
            mask = 0;
        }
        return mask == 0 ? null : new HeaderBits(header, bits & mask, mask);
    }

    /** Bits that the guard says are these already. */
    private long settled(HeaderField header, long bits) {
        int index = header.ordinal();
        return guardMask[index] & ~(guardValue[index] ^ bits);
    }

    private @Nullable HeaderBits tagRewrite(SymbolicPacket leaving) {
        boolean arrivesTagged = arrivingTag != 0;
        if (!leaving.isTagged()) {
            return arrivesTagged ? new HeaderBits(HeaderField.VLAN_TCI, 0, HeaderField.VLAN_TCI.fullMask()) : null;
        }
        long bits = Field.VLAN_TCI.get(leaving.value) | VLAN_PRESENT;
        if (!arrivesTagged) {
            return HeaderBits.exactly(HeaderField.VLAN_TCI, bits);
        }
        // Also where the bits are the same: that a tag is written clears the bit that has no place in a TCI here.
        long mask = Field.VLAN_TCI.get(leaving.known) & TCI_BITS;
        return mask == 0 ? null : new HeaderBits(HeaderField.VLAN_TCI, bits & mask, mask);
    }
}
