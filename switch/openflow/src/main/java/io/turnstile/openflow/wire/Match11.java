package io.turnstile.openflow.wire;

import static io.turnstile.datapath.FieldValues.DSCP_MASK;
import static io.turnstile.datapath.FieldValues.VLAN_PCP_MASK;
import static io.turnstile.datapath.FieldValues.VLAN_PCP_SHIFT;
import static io.turnstile.datapath.FieldValues.VLAN_PRESENT;
import static io.turnstile.datapath.FieldValues.VLAN_VID_MASK;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;

/** OpenFlow 1.1's fixed {@code struct ofp_match} of 88 bytes (OpenFlow 1.1.0 §A.2.3); later versions take it too. */
final class Match11 {
    /** OFPMT_STANDARD. */
    static final int TYPE = 0;

    static final int BYTES = 88;

    private static final int W_IN_PORT = 1;
    private static final int W_VLAN = 1 << 1;
    private static final int W_PCP = 1 << 2;
    private static final int W_ETH_TYPE = 1 << 3;
    private static final int W_TOS = 1 << 4;
    private static final int W_PROTO = 1 << 5;
    private static final int W_TP_SRC = 1 << 6;
    private static final int W_TP_DST = 1 << 7;
    private static final int W_MPLS_LABEL = 1 << 8;
    private static final int W_MPLS_TC = 1 << 9;

    private static final int VLAN_ANY = 0xfffe;
    private static final int VLAN_NONE = 0xffff;
    private static final int MPLS_PAD_BYTES = 3;
    private static final long LABEL_MASK = 0xf_ffffL << LabelStack.LABEL_SHIFT;
    private static final long TC_MASK = 7L << LabelStack.CLASS_SHIFT;
    private static final long MAC_MASK = 0xffff_ffff_ffffL;
    private static final int MAX_ICMP = 0xff;

    private Match11() {}

    /** Reads what stands behind type and length, all of which is there. */
    static Match read(ByteBuf in) throws OfException {
        Match.Builder builder = Match.builder();
        long inPort = in.readUnsignedInt();
        int wildcards = in.readInt();
        if ((wildcards & W_IN_PORT) == 0) {
            builder.exact(Field.IN_PORT, inPort);
        }
        mac(in, builder, Field.ETH_SRC);
        mac(in, builder, Field.ETH_DST);
        vlan(builder, wildcards, in.readUnsignedShort(), in.readUnsignedByte());
        in.skipBytes(1);
        int etherType = in.readUnsignedShort();
        if ((wildcards & W_ETH_TYPE) == 0) {
            builder.exact(Field.ETH_TYPE, etherType);
        } else {
            etherType = 0;
        }
        network(in, builder, wildcards, etherType);
        labels(builder, wildcards, etherType, in.readInt(), in.readUnsignedByte());
        in.skipBytes(MPLS_PAD_BYTES);
        long metadata = in.readLong();
        long mask = ~in.readLong();
        builder.masked(Field.METADATA, metadata & mask, mask);
        return builder.build();
    }

    /** Bits that the fields do not have are not looked at. */
    private static void labels(Match.Builder builder, int wildcards, int etherType, long label, long trafficClass) {
        if (EtherTypes.isMpls(etherType)) {
            long mask =
                    ((wildcards & W_MPLS_LABEL) == 0 ? LABEL_MASK : 0) | ((wildcards & W_MPLS_TC) == 0 ? TC_MASK : 0);
            long entry =
                    label << LabelStack.LABEL_SHIFT & LABEL_MASK | trafficClass << LabelStack.CLASS_SHIFT & TC_MASK;
            builder.masked(Field.MPLS_LSE, entry & mask, mask);
        }
    }

    /** Its ones are wild. */
    private static void mac(ByteBuf in, Match.Builder builder, Field field) {
        long value = LegacyMatch.readMac(in);
        long mask = ~LegacyMatch.readMac(in) & MAC_MASK;
        builder.masked(field, value & mask, mask);
    }

    private static void vlan(Match.Builder builder, int wildcards, int vid, int pcp) throws OfException {
        if ((wildcards & W_VLAN) != 0) {
            return;
        }
        if (vid == VLAN_NONE) {
            builder.exact(Field.VLAN_TCI, 0);
            return;
        }
        boolean anyPcp = (wildcards & W_PCP) != 0;
        if (vid != VLAN_ANY && vid > VLAN_VID_MASK || !anyPcp && pcp > 7) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_VALUE, "VLAN " + vid + " of priority " + pcp);
        }
        long mask = VLAN_PRESENT | (vid == VLAN_ANY ? 0 : VLAN_VID_MASK) | (anyPcp ? 0 : VLAN_PCP_MASK);
        builder.masked(Field.VLAN_TCI, (VLAN_PRESENT | FieldValues.vlanId(vid) | pcp << VLAN_PCP_SHIFT) & mask, mask);
    }

    /** What the Ethernet type does not have is ignored, as the specification has it. */
    private static void network(ByteBuf in, Match.Builder builder, int wildcards, int etherType) throws OfException {
        int tos = in.readUnsignedByte();
        int protocol = in.readUnsignedByte();
        long source = in.readUnsignedInt();
        long sourceMask = ~in.readUnsignedInt() & 0xffff_ffffL;
        long destination = in.readUnsignedInt();
        long destinationMask = ~in.readUnsignedInt() & 0xffff_ffffL;
        int tpSource = in.readUnsignedShort();
        int tpDestination = in.readUnsignedShort();
        boolean ip = etherType == EtherTypes.IPV4;
        if (!ip && !LegacyMatch.isArp(etherType)) {
            return;
        }
        if (ip && (wildcards & W_TOS) == 0) {
            if ((tos & ~DSCP_MASK) != 0) {
                throw new OfException(OfErrorCode.OFPBMC_BAD_VALUE, "TOS " + tos);
            }
            builder.masked(Field.NW_TOS, tos, DSCP_MASK);
        }
        boolean exactProtocol = (wildcards & W_PROTO) == 0;
        if (exactProtocol) {
            builder.exact(Field.NW_PROTO, protocol);
        }
        builder.masked(Field.NW_SRC, source & sourceMask, sourceMask);
        builder.masked(Field.NW_DST, destination & destinationMask, destinationMask);
        if (ip && exactProtocol) {
            port(builder, Field.TP_SRC, protocol, (wildcards & W_TP_SRC) != 0, tpSource);
            port(builder, Field.TP_DST, protocol, (wildcards & W_TP_DST) != 0, tpDestination);
        }
    }

    private static void port(Match.Builder builder, Field field, int protocol, boolean wild, int value)
            throws OfException {
        boolean icmp = protocol == IpProtocols.ICMP;
        boolean ports = protocol == IpProtocols.TCP || protocol == IpProtocols.UDP || protocol == IpProtocols.SCTP;
        if (wild || !icmp && !ports) {
            return;
        }
        if (icmp && value > MAX_ICMP) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_FIELD, "ICMP type or code " + value);
        }
        builder.exact(field, value);
    }

    /** Writes what of the match this form can say; the rest is left wild. */
    static void write(ByteBuf out, Match match) {
        long vlan = match.mask(Field.VLAN_TCI);
        boolean untagged = (vlan & VLAN_PRESENT) != 0 && (match.value(Field.VLAN_TCI) & VLAN_PRESENT) == 0;
        boolean pcp = (vlan & VLAN_PCP_MASK) != 0 && !untagged;
        boolean dscp = (match.mask(Field.NW_TOS) & DSCP_MASK) != 0;
        long entry = match.value(Field.MPLS_LSE);
        boolean label = (match.mask(Field.MPLS_LSE) & LABEL_MASK) != 0;
        boolean trafficClass = (match.mask(Field.MPLS_LSE) & TC_MASK) != 0;
        int wildcards = (label ? 0 : W_MPLS_LABEL) | (trafficClass ? 0 : W_MPLS_TC);
        wildcards |= match.matchesOn(Field.IN_PORT) ? 0 : W_IN_PORT;
        wildcards |= vlan != 0 ? 0 : W_VLAN;
        wildcards |= pcp ? 0 : W_PCP;
        wildcards |= match.matchesOn(Field.ETH_TYPE) ? 0 : W_ETH_TYPE;
        wildcards |= dscp ? 0 : W_TOS;
        wildcards |= match.matchesOn(Field.NW_PROTO) ? 0 : W_PROTO;
        wildcards |= match.matchesOn(Field.TP_SRC) ? 0 : W_TP_SRC;
        wildcards |= match.matchesOn(Field.TP_DST) ? 0 : W_TP_DST;
        out.writeShort(TYPE).writeShort(BYTES);
        out.writeInt((int) match.value(Field.IN_PORT)).writeInt(wildcards);
        writeMac(out, match, Field.ETH_SRC);
        writeMac(out, match, Field.ETH_DST);
        int tci = (int) match.value(Field.VLAN_TCI);
        boolean anyVid = vlan != 0 && (vlan & VLAN_VID_MASK) == 0;
        out.writeShort(untagged ? VLAN_NONE : anyVid ? VLAN_ANY : FieldValues.vlanId(tci))
                .writeByte(pcp ? FieldValues.vlanPriority(tci) : 0)
                .writeByte(0)
                .writeShort((int) match.value(Field.ETH_TYPE))
                .writeByte(dscp ? (int) match.value(Field.NW_TOS) & DSCP_MASK : 0)
                .writeByte((int) match.value(Field.NW_PROTO));
        writeAddress(out, match, Field.NW_SRC);
        writeAddress(out, match, Field.NW_DST);
        out.writeShort((int) match.value(Field.TP_SRC)).writeShort((int) match.value(Field.TP_DST));
        out.writeInt(label ? (int) LabelStack.label(entry) : 0)
                .writeByte(trafficClass ? (int) LabelStack.trafficClass(entry) : 0)
                .writeZero(MPLS_PAD_BYTES);
        out.writeLong(match.value(Field.METADATA)).writeLong(~match.mask(Field.METADATA));
    }

    private static void writeMac(ByteBuf out, Match match, Field field) {
        LegacyMatch.writeMac(out, match.value(field));
        LegacyMatch.writeMac(out, ~match.mask(field));
    }

    private static void writeAddress(ByteBuf out, Match match, Field field) {
        out.writeInt((int) match.value(field)).writeInt((int) ~match.mask(field));
    }
}
