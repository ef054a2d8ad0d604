package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfErrorCode;
import io.turnstile.pipeline.OfException;
import io.turnstile.pipeline.text.MatchField;
import io.turnstile.pipeline.text.MatchField.Masked;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Matches as a list of type-length-values: NXM under OpenFlow 1.0, OXM from 1.2 on (OpenFlow 1.3.5 §7.2.3). Both kinds
 * of header are understood under either version, as Open vSwitch does.
 */
public final class MatchCodec {
    private static final int OXM_MATCH = 1;
    private static final int ONF_TCP_FLAGS = 42;
    /** Header of the unmasked field; tools write it where a match has no Ethernet field at all. */
    private static final int OXM_PACKET_TYPE = 0x8000 << 16 | 44 << 9 | 4;

    private static final int VLAN_VID_BITS = 0x1fff;
    private static final int VLAN_PCP_BITS = 0xe000;
    private static final int DSCP_BITS = 0xfc;
    private static final int ECN_BITS = 0x03;
    /** NXM_NX_COOKIE: only in requests, selects by cookie. */
    private static final int NXM_COOKIE = 1 << 7 | 30;

    private static final MatchField IN_PORT16 = MatchField.named("in_port");
    private static final MatchField IN_PORT32 = MatchField.named("in_port_oxm");
    private static final MatchField VLAN_TCI = MatchField.named("vlan_tci");
    private static final MatchField VLAN_VID = MatchField.named("vlan_vid");
    private static final MatchField VLAN_PCP = MatchField.named("vlan_pcp");
    private static final MatchField TOS = MatchField.named("nw_tos");
    private static final MatchField DSCP = MatchField.named("ip_dscp");
    private static final MatchField ECN = MatchField.named("nw_ecn");
    private static final MatchField TCP_FLAGS = MatchField.named("tcp_flags");

    /** Order of writing; what others depend on goes first. VLAN, TOS and in_port have rules of their own. */
    private static final List<MatchField> SIMPLE = Stream.concat(
                    Stream.of("eth_src", "eth_dst", "eth_type"),
                    Stream.concat(
                            Stream.of(
                                    "nw_proto",
                                    "arp_op",
                                    "ip_src",
                                    "ip_dst",
                                    "arp_spa",
                                    "arp_tpa",
                                    "arp_sha",
                                    "arp_tha",
                                    "ipv6_src",
                                    "ipv6_dst",
                                    "ipv6_label",
                                    "nw_ttl",
                                    "ip_frag",
                                    "tcp_src",
                                    "tcp_dst",
                                    "tcp_flags",
                                    "udp_src",
                                    "udp_dst",
                                    "sctp_src",
                                    "sctp_dst",
                                    "icmp_type",
                                    "icmp_code",
                                    "icmpv6_type",
                                    "icmpv6_code",
                                    "nd_target",
                                    "nd_sll",
                                    "nd_tll",
                                    "pkt_mark",
                                    "ct_state",
                                    "ct_zone",
                                    "ct_mark",
                                    "ct_label",
                                    "ct_nw_proto",
                                    "ct_nw_src",
                                    "ct_nw_dst",
                                    "ct_ipv6_src",
                                    "ct_ipv6_dst",
                                    "ct_tp_src",
                                    "ct_tp_dst",
                                    "metadata"),
                            IntStream.range(0, 16).mapToObj(i -> "reg" + i)))
            .map(MatchField::named)
            .toList();

    private MatchCodec() {}

    /** A match and, in Nicira requests, the cookie it asks for. */
    public record Decoded(Match match, long cookie, long cookieMask) {}

    // ---- reading ----

    /** Reads {@code struct ofp_match} of OpenFlow 1.2 and later with its padding. */
    public static Match readOxm(ByteBuf in) throws OfException {
        Wire.need(in, 8, OfErrorCode.OFPBMC_BAD_LEN);
        int type = in.readUnsignedShort();
        int length = in.readUnsignedShort();
        if (type != OXM_MATCH) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_TYPE, "match type " + type);
        }
        if (length < 4) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_LEN, "match of " + length + " bytes");
        }
        Wire.need(in, Wire.padded(length) - 4, OfErrorCode.OFPBMC_BAD_LEN);
        Match match = readFields(in.readSlice(length - 4), false).match();
        in.skipBytes(Wire.padded(length) - length);
        return match;
    }

    /** Reads {@code length} bytes of nx_match and the padding to eight. */
    public static Decoded readNxm(ByteBuf in, int length, boolean withCookie) throws OfException {
        Wire.need(in, Wire.padded(length), OfErrorCode.OFPBMC_BAD_LEN);
        Decoded decoded = readFields(in.readSlice(length), withCookie);
        in.skipBytes(Wire.padded(length) - length);
        return decoded;
    }

    private static Decoded readFields(ByteBuf in, boolean withCookie) throws OfException {
        Match.Builder builder = Match.builder();
        Set<Object> seen = new HashSet<>();
        long cookie = 0;
        long cookieMask = 0;
        while (in.isReadable()) {
            if (skipEthernetPacketType(in)) {
                continue;
            }
            FieldHeader header =
                    FieldHeader.read(in, OfErrorCode.OFPBMC_BAD_LEN, OfErrorCode.OFPBMC_BAD_FIELD, withCookie);
            if (!seen.add(header.field() == null ? NXM_COOKIE : header.field())) {
                throw new OfException(OfErrorCode.OFPBMC_DUP_FIELD, "field given twice");
            }
            if (header.field() == null) {
                Wire.need(in, header.masked() ? 16 : 8, OfErrorCode.OFPBMC_BAD_LEN);
                cookie = in.readLong();
                cookieMask = header.masked() ? in.readLong() : -1L;
                continue;
            }
            if (!header.field().prerequisite().isMet(builder::value, builder::mask)) {
                throw new OfException(
                        OfErrorCode.OFPBMC_BAD_PREREQ,
                        header.field().name() + " without " + header.field().prerequisite());
            }
            put(builder, header.field(), readValue(in, header));
        }
        return new Decoded(builder.build(), cookie, cookieMask);
    }

    /** All packets here are Ethernet frames: asking for them by packet_type (0,0) asks for nothing more. */
    private static boolean skipEthernetPacketType(ByteBuf in) {
        boolean ethernet = in.readableBytes() >= 8
                && in.getInt(in.readerIndex()) == OXM_PACKET_TYPE
                && in.getInt(in.readerIndex() + 4) == 0;
        if (ethernet) {
            in.skipBytes(8);
        }
        return ethernet;
    }

    /** Reads a value, and a mask if the header has one, and checks both. */
    static Masked readValue(ByteBuf in, FieldHeader header) throws OfException {
        MatchField field = header.field();
        int bytes = field.wireBytes();
        Wire.need(in, header.masked() ? 2 * bytes : bytes, OfErrorCode.OFPBMC_BAD_LEN);
        long high = bytes == 16 ? in.readLong() : 0;
        long low = readUnsigned(in, Math.min(bytes, 8));
        long maskHigh = field.field().highMask();
        long maskLow = field.lowMask();
        if (header.masked()) {
            maskHigh = bytes == 16 ? in.readLong() : 0;
            maskLow = readUnsigned(in, Math.min(bytes, 8));
            checkMask(field, high, low, maskHigh, maskLow);
        }
        if (field.style() == MatchField.Style.PORT && bytes == 2) {
            low = Wire.port16((int) low) & 0xffff_ffffL;
            maskLow = 0xffff_ffffL;
        }
        checkValue(field, low);
        return new Masked(high, low, maskHigh, maskLow & field.lowMask());
    }

    private static void checkMask(MatchField field, long high, long low, long maskHigh, long maskLow)
            throws OfException {
        boolean whole = maskHigh == field.field().highMask() && (maskLow & field.lowMask()) == field.lowMask();
        boolean nothing = maskHigh == 0 && maskLow == 0;
        if (!field.maskable() && !whole && !nothing) {
            throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, field.name() + " cannot be masked");
        }
        if ((high & ~maskHigh) != 0 || (low & ~maskLow) != 0) {
            throw new OfException(
                    OfErrorCode.OFPBMC_BAD_WILDCARDS, field.name() + ": value has one-bits outside its mask");
        }
    }

    private static void checkValue(MatchField field, long value) throws OfException {
        boolean dscpWithEcn = field == TOS && (value & ECN_BITS) != 0;
        int limitBits =
                field == VLAN_VID ? 13 : Math.min(64, field.style() == MatchField.Style.PORT ? 32 : field.widthBits());
        boolean tooWide = limitBits < 64 && value >>> limitBits != 0;
        boolean unknownState = field.field() == Field.CT_STATE && (value & ~field.lowMask()) != 0;
        if (dscpWithEcn || tooWide || unknownState) {
            throw new OfException(
                    OfErrorCode.OFPBMC_BAD_VALUE, field.name() + ": bad value 0x" + Long.toHexString(value));
        }
    }

    private static long readUnsigned(ByteBuf in, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | in.readUnsignedByte();
        }
        return value;
    }

    private static void put(Match.Builder builder, MatchField field, Masked value) {
        if (field.isWide()) {
            builder.masked(field.field(), value.high(), value.low(), value.maskHigh(), value.maskLow());
            return;
        }
        long mask = value.maskLow() << field.offsetBits();
        long implied = mask == 0 ? 0 : field.impliedBits();
        long low = value.low() << field.offsetBits() | implied;
        long merged = builder.value(field.field()) & ~(mask | implied) | low & (mask | implied);
        builder.masked(field.field(), merged, builder.mask(field.field()) | mask | implied);
    }

    // ---- writing ----

    /** {@code struct ofp_match} of OpenFlow 1.2 and later with its padding. */
    public static void writeOxm(ByteBuf out, Match match, WireVersion version) {
        int start = out.writerIndex();
        out.writeShort(OXM_MATCH).writeShort(0);
        writeFields(out, match, version);
        out.setShort(start + 2, out.writerIndex() - start);
        Wire.pad(out, start);
    }

    /** The fields only; the caller pads and says the length. */
    public static void writeFields(ByteBuf out, Match match, WireVersion version) {
        if (match.matchesOn(Field.IN_PORT)) {
            write(out, version.isOxm() ? IN_PORT32 : IN_PORT16, match.value(Field.IN_PORT), -1L, version);
        }
        boolean vlanWritten = false;
        for (MatchField field : SIMPLE) {
            if (!vlanWritten && field.field() == Field.NW_PROTO) {
                writeVlanAndTos(out, match, version);
                vlanWritten = true;
            }
            if (match.matchesOn(field.field()) && names(field, match)) {
                writeMasked(out, field, fromMatch(field, match), version);
            }
        }
    }

    /** Of several names for one key field, the one whose prerequisites the match meets. */
    private static boolean names(MatchField field, Match match) {
        return switch (field.field()) {
            case NW_SRC, NW_DST, NW_PROTO, ARP_SHA, ARP_THA, TP_SRC, TP_DST ->
                field.prerequisite().isMet(match::value, match::mask);
            default -> true;
        };
    }

    private static Masked fromMatch(MatchField field, Match match) {
        Field key = field.field();
        return new Masked(match.valueHigh(key), match.value(key), match.maskHigh(key), match.mask(key));
    }

    private static void writeVlanAndTos(ByteBuf out, Match match, WireVersion version) {
        long mask = match.mask(Field.VLAN_TCI);
        long tci = match.value(Field.VLAN_TCI);
        if (mask != 0 && !version.isOxm()) {
            writeMasked(out, VLAN_TCI, new Masked(0, tci, 0, mask), version);
        } else if (mask != 0) {
            if ((mask & VLAN_VID_BITS) != 0) {
                writeMasked(out, VLAN_VID, new Masked(0, tci & VLAN_VID_BITS, 0, mask & VLAN_VID_BITS), version);
            }
            if ((tci & VLAN_VID_BITS) != 0 && (mask & VLAN_PCP_BITS) != 0) {
                write(out, VLAN_PCP, tci >>> 13, -1L, version);
            }
        }
        int etherType = (int) match.value(Field.ETH_TYPE);
        boolean ip = etherType == EtherTypes.IPV4 || etherType == EtherTypes.IPV6;
        if (ip && (match.mask(Field.NW_TOS) & DSCP_BITS) != 0) {
            long tos = match.value(Field.NW_TOS) & DSCP_BITS;
            write(out, version.isOxm() ? DSCP : TOS, version.isOxm() ? tos >>> 2 : tos, -1L, version);
        }
        if (ip && (match.mask(Field.NW_TOS) & ECN_BITS) != 0) {
            write(out, ECN, match.value(Field.NW_TOS) & ECN_BITS, -1L, version);
        }
    }

    private static void write(ByteBuf out, MatchField field, long value, long mask, WireVersion version) {
        writeMasked(out, field, new Masked(0, value, 0, mask & field.lowMask()), version);
    }

    /** One TLV with a mask unless that is whole. */
    static void writeMasked(ByteBuf out, MatchField field, Masked value, WireVersion version) {
        boolean whole = value.maskLow() == field.lowMask()
                && value.maskHigh() == field.field().highMask();
        writeHeader(out, field, !whole, version);
        writeNumber(out, field, value.high(), value.low());
        if (!whole) {
            writeNumber(out, field, value.maskHigh(), value.maskLow());
        }
    }

    private static void writeNumber(ByteBuf out, MatchField field, long high, long low) {
        if (field.wireBytes() == 16) {
            out.writeLong(high);
        }
        for (int shift = Math.min(field.wireBytes(), 8) * 8 - 8; shift >= 0; shift -= 8) {
            out.writeByte((int) (low >>> shift));
        }
    }

    /** The four (or, for an experimenter field, eight) bytes before the value. */
    static void writeHeader(ByteBuf out, MatchField field, boolean masked, WireVersion version) {
        int payload = masked ? 2 * field.wireBytes() : field.wireBytes();
        if (field == TCP_FLAGS && version == WireVersion.OF13) {
            out.writeInt(Wire.EXPERIMENTER << 16 | ONF_TCP_FLAGS << 9 | (masked ? 1 << 8 : 0) | payload + 4);
            out.writeInt(Wire.ONF);
            return;
        }
        boolean oxm = field.oxm() >= 0 && (version.isOxm() || field.nxm() < 0);
        out.writeInt((oxm ? field.oxm() : field.nxm()) << 9 | (masked ? 1 << 8 : 0) | payload);
    }
}
