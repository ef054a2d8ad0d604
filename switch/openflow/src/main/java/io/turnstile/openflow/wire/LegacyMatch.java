package io.turnstile.openflow.wire;

import static io.turnstile.datapath.FieldValues.DSCP_MASK;
import static io.turnstile.datapath.FieldValues.VLAN_PCP_MASK;
import static io.turnstile.datapath.FieldValues.VLAN_PCP_SHIFT;
import static io.turnstile.datapath.FieldValues.VLAN_PRESENT;
import static io.turnstile.datapath.FieldValues.VLAN_VID_MASK;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** OpenFlow 1.0's fixed {@code struct ofp_match} of 40 bytes (OpenFlow 1.0.0 §5.2.3). */
final class LegacyMatch {
    static final int BYTES = 40;

    private static final int W_IN_PORT = 1;
    private static final int W_VLAN = 1 << 1;
    private static final int W_ETH_SRC = 1 << 2;
    private static final int W_ETH_DST = 1 << 3;
    private static final int W_ETH_TYPE = 1 << 4;
    private static final int W_PROTO = 1 << 5;
    private static final int W_TP_SRC = 1 << 6;
    private static final int W_TP_DST = 1 << 7;
    private static final int W_NW_SRC_SHIFT = 8;
    private static final int W_NW_DST_SHIFT = 14;
    private static final int W_PCP = 1 << 20;
    private static final int W_TOS = 1 << 21;
    private static final int VLAN_NONE = 0xffff;

    private static final int W_ALL = (1 << 22) - 1;

    private LegacyMatch() {}

    /**
     * Whether the match that comes next has no wildcards: such flows have the highest priority (OpenFlow 1.0.0 §3.4).
     */
    static boolean isExact(ByteBuf in) {
        return in.readableBytes() >= Integer.BYTES && (in.getInt(in.readerIndex()) & W_ALL) == 0;
    }

    /** Fields whose prerequisites are not met are ignored, as the specification has it (§3.4). */
    static Match read(ByteBuf in) throws OfException {
        Wire.need(in, BYTES, OfErrorCode.OFPBRC_BAD_LEN);
        Match.Builder builder = Match.builder();
        int wildcards = in.readInt();
        int inPort = in.readUnsignedShort();
        if ((wildcards & W_IN_PORT) == 0) {
            builder.exact(Field.IN_PORT, Ports.widened(inPort) & 0xffff_ffffL);
        }
        long source = readMac(in);
        long destination = readMac(in);
        if ((wildcards & W_ETH_SRC) == 0) {
            builder.exact(Field.ETH_SRC, source);
        }
        if ((wildcards & W_ETH_DST) == 0) {
            builder.exact(Field.ETH_DST, destination);
        }
        readVlan(builder, wildcards, in.readUnsignedShort(), in.readUnsignedByte());
        in.skipBytes(1);
        int etherType = in.readUnsignedShort();
        boolean typed = (wildcards & W_ETH_TYPE) == 0;
        if (typed) {
            builder.exact(Field.ETH_TYPE, etherType);
        }
        readNetwork(in, builder, wildcards, typed ? etherType : 0);
        return builder.build();
    }

    private static void readVlan(Match.Builder builder, int wildcards, int vid, int pcp) {
        boolean anyVid = (wildcards & W_VLAN) != 0;
        boolean anyPcp = (wildcards & W_PCP) != 0;
        if (!anyVid && vid == VLAN_NONE) {
            builder.exact(Field.VLAN_TCI, 0);
        } else if (!anyVid || !anyPcp) {
            long mask = VLAN_PRESENT | (anyVid ? 0 : VLAN_VID_MASK) | (anyPcp ? 0 : VLAN_PCP_MASK);
            builder.masked(
                    Field.VLAN_TCI,
                    VLAN_PRESENT | FieldValues.vlanId(vid) | pcp << VLAN_PCP_SHIFT & VLAN_PCP_MASK,
                    mask);
        }
    }

    private static void readNetwork(ByteBuf in, Match.Builder builder, int wildcards, int etherType) {
        int tos = in.readUnsignedByte();
        int protocol = in.readUnsignedByte();
        in.skipBytes(2);
        long source = in.readUnsignedInt();
        long destination = in.readUnsignedInt();
        int tpSource = in.readUnsignedShort();
        int tpDestination = in.readUnsignedShort();
        boolean ip = etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6;
        if (!ip && !isArp(etherType)) {
            return;
        }
        if (ip && (wildcards & W_TOS) == 0) {
            builder.masked(Field.NW_TOS, tos, DSCP_MASK);
        }
        boolean exactProtocol = (wildcards & W_PROTO) == 0;
        if (exactProtocol) {
            builder.exact(Field.NW_PROTO, protocol);
        }
        if (etherType != EtherTypes.IPV6) { // whose addresses have no room here
            builder.masked(Field.NW_SRC, source, prefix(wildcards >>> W_NW_SRC_SHIFT));
            builder.masked(Field.NW_DST, destination, prefix(wildcards >>> W_NW_DST_SHIFT));
        }
        if (ip && exactProtocol && hasPorts(etherType, protocol)) {
            if ((wildcards & W_TP_SRC) == 0) {
                builder.exact(Field.TP_SRC, tpSource);
            }
            if ((wildcards & W_TP_DST) == 0) {
                builder.exact(Field.TP_DST, tpDestination);
            }
        }
    }

    /** ARP, and what has its fields. */
    static boolean isArp(int etherType) {
        return etherType == EtherTypes.ARP || etherType == EtherTypes.RARP;
    }

    /** ICMP's type and code are called ports here. */
    private static boolean hasPorts(int etherType, int protocol) {
        return protocol == IpProtocols.TCP
                || protocol == IpProtocols.UDP
                || protocol == IpProtocols.SCTP
                || protocol == (etherType == EtherTypes.IPV6 ? IpProtocols.ICMPV6 : IpProtocols.ICMP);
    }

    private static long prefix(int wildBits) {
        int wild = Math.min(wildBits & 0x3f, 32);
        return wild == 32 ? 0 : 0xffff_ffffL & -1L << wild;
    }

    static long readMac(ByteBuf in) {
        return (long) in.readUnsignedShort() << 32 | in.readUnsignedInt();
    }

    /** Writes what of the match this form can say; the rest is left wild. */
    static void write(ByteBuf out, Match match) {
        int wildcards = 0;
        wildcards |= match.matchesOn(Field.IN_PORT) ? 0 : W_IN_PORT;
        wildcards |= match.isExact(Field.ETH_SRC) ? 0 : W_ETH_SRC;
        wildcards |= match.isExact(Field.ETH_DST) ? 0 : W_ETH_DST;
        wildcards |= match.matchesOn(Field.ETH_TYPE) ? 0 : W_ETH_TYPE;
        wildcards |= match.matchesOn(Field.NW_PROTO) ? 0 : W_PROTO;
        wildcards |= match.isExact(Field.TP_SRC) ? 0 : W_TP_SRC;
        wildcards |= match.isExact(Field.TP_DST) ? 0 : W_TP_DST;
        wildcards |= (match.mask(Field.NW_TOS) & DSCP_MASK) != 0 ? 0 : W_TOS;
        wildcards |= wildBits(match.mask(Field.NW_SRC)) << W_NW_SRC_SHIFT;
        wildcards |= wildBits(match.mask(Field.NW_DST)) << W_NW_DST_SHIFT;
        long vlan = match.mask(Field.VLAN_TCI);
        boolean untagged = (vlan & VLAN_PRESENT) != 0 && (match.value(Field.VLAN_TCI) & VLAN_PRESENT) == 0;
        wildcards |= (vlan & VLAN_VID_MASK) == VLAN_VID_MASK || untagged ? 0 : W_VLAN;
        wildcards |= (vlan & VLAN_PCP_MASK) == VLAN_PCP_MASK && !untagged ? 0 : W_PCP;
        int tci = (int) match.value(Field.VLAN_TCI);
        out.writeInt(wildcards).writeShort((int) match.value(Field.IN_PORT));
        writeMac(out, match.value(Field.ETH_SRC));
        writeMac(out, match.value(Field.ETH_DST));
        out.writeShort(untagged ? VLAN_NONE : FieldValues.vlanId(tci))
                .writeByte(FieldValues.vlanPriority(tci))
                .writeByte(0)
                .writeShort((int) match.value(Field.ETH_TYPE))
                .writeByte((int) match.value(Field.NW_TOS) & DSCP_MASK)
                .writeByte((int) match.value(Field.NW_PROTO))
                .writeShort(0)
                .writeInt((int) match.value(Field.NW_SRC))
                .writeInt((int) match.value(Field.NW_DST))
                .writeShort((int) match.value(Field.TP_SRC))
                .writeShort((int) match.value(Field.TP_DST));
    }

    private static int wildBits(long mask) {
        return mask == 0 ? 32 : Long.numberOfTrailingZeros(mask);
    }

    static void writeMac(ByteBuf out, long mac) {
        out.writeShort((int) (mac >>> 32)).writeInt((int) mac);
    }
}
