package io.turnstile.appctl;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.NshHeader;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import io.turnstile.packet.TcpHeader;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The composer makes a frame out of a flow: headers as its fields say, with right checksums. As in Open vSwitch, bytes
 * that count upwards follow where data may: after UDP, echo messages, and TCP without SYN, FIN and RST.
 *
 * <p>Threads: one composer, one frame.
 */
final class FlowComposer {
    /** More than headers can take. */
    private static final int HEADERS_BYTES = 256;
    /** Of data, unless a length of the frame is asked for. */
    static final int PAYLOAD_BYTES = 64;

    private static final int TCP_FIN_SYN_RST = TcpHeader.FIN | TcpHeader.SYN | TcpHeader.RST;
    private static final int MORE_FRAGMENTS = 0x2000;
    /** Of a later fragment, in units of eight bytes. */
    private static final int LATER_OFFSET = 100;

    private static final int ICMP_ECHO_REPLY = 0;
    private static final int ICMP_ECHO_REQUEST = 8;
    private static final int ICMPV6_ECHO_REQUEST = 128;
    private static final int ICMPV6_ECHO_REPLY = 129;
    private static final int ARP_REQUEST = 1;
    private static final int ARP_REPLY = 2;
    private static final int LINK_ADDRESS_OPTION_BYTES = 8;

    private final long[] key;
    private final byte[] payload;
    private final ByteBuffer frame;

    private FlowComposer(long[] key, byte[] payload) {
        this.key = key;
        this.payload = payload;
        frame = ByteBuffer.allocate(HEADERS_BYTES + payload.length);
    }

    /** Data that counts upwards. */
    static byte[] counting(int bytes) {
        byte[] data = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            data[i] = (byte) i;
        }
        return data;
    }

    /**
     * The frame of a flow.
     *
     * @param key as the extractor makes it of such a frame; ports and connection do not matter
     */
    static byte[] compose(long[] key) {
        return compose(key, counting(PAYLOAD_BYTES));
    }

    /** The same with such data where data may be. */
    static byte[] compose(long[] key, byte[] payload) {
        return checksummed(new FlowComposer(key, payload).frame());
    }

    /**
     * The same with zeros at its end, so that it is as long as wanted.
     *
     * @return null if the headers alone are longer
     */
    static byte @Nullable [] compose(long[] key, int frameBytes) {
        FlowComposer composer = new FlowComposer(key, new byte[0]);
        byte[] shortest = composer.frame();
        if (shortest.length > frameBytes) {
            return null;
        }
        byte[] longer = Arrays.copyOf(shortest, frameBytes);
        composer.setLengths(ByteBuffer.wrap(longer));
        return checksummed(longer);
    }

    // ---- the frame ----

    private int networkOffset;
    private int transportOffset;

    private byte[] frame() {
        putMac(Field.ETH_DST.get(key));
        putMac(Field.ETH_SRC.get(key));
        int type = (int) Field.ETH_TYPE.get(key);
        if (type == EtherTypes.NOT_ETH_TYPE) {
            frame.putShort((short) (frame.position() + 2));
            return bytes();
        }
        putTag(Field.VLAN_TPID, Field.VLAN_TCI);
        putTag(Field.VLAN_TPID1, Field.VLAN_TCI1);
        frame.putShort((short) type);
        networkOffset = frame.position();
        switch (type) {
            case EtherTypes.IPV4 -> putIpv4();
            case EtherTypes.IPV6 -> putIpv6();
            case EtherTypes.ARP, EtherTypes.RARP -> putArp();
            case EtherTypes.MPLS, EtherTypes.MPLS_MULTICAST -> putLabels();
            case EtherTypes.NSH -> putServiceHeader();
            default -> {
                // Nothing is known of what follows.
            }
        }
        setLengths(frame.duplicate().flip());
        return bytes();
    }

    /** The type of a tag may be left out of a key that was made by hand. */
    private void putTag(Field type, Field tag) {
        long tci = tag.get(key);
        if ((tci & FieldValues.VLAN_PRESENT) != 0) {
            int tpid = type.get(key) == 0 ? EtherTypes.VLAN : (int) type.get(key);
            frame.putShort((short) tpid).putShort((short) (tci & ~FieldValues.VLAN_PRESENT));
        }
    }

    private byte[] bytes() {
        byte[] bytes = new byte[frame.position()];
        frame.get(0, bytes);
        return bytes;
    }

    /** Writes the lengths that depend on where the frame ends. */
    private void setLengths(ByteBuffer whole) {
        int end = whole.limit();
        switch ((int) Field.ETH_TYPE.get(key)) {
            case EtherTypes.NOT_ETH_TYPE -> whole.putShort(PacketParser.ETHERNET_BYTES - 2, (short) end);
            case EtherTypes.IPV4 -> {
                whole.putShort(networkOffset + 2, (short) (end - networkOffset));
                whole.putShort(networkOffset + 10, (short) 0);
                whole.putShort(networkOffset + 10, (short) headerChecksum(whole, networkOffset));
            }
            case EtherTypes.IPV6 -> whole.putShort(networkOffset + 4, (short) (end - transportOffset));
            default -> {
                // Has no length.
            }
        }
        boolean isUdp = transportOffset > 0
                && Field.NW_PROTO.get(key) == IpProtocols.UDP
                && (Field.NW_FRAG.get(key) & FieldValues.FRAGMENT_LATER) == 0;
        if (isUdp) {
            whole.putShort(transportOffset + 4, (short) (end - transportOffset));
        }
    }

    /** Fills in the transport checksum. */
    private static byte[] checksummed(byte[] bytes) {
        Packet packet = Packet.copyOf(bytes);
        if (!PacketParser.parse(packet) || packet.l4Offset() == Packet.ABSENT) {
            return bytes;
        }
        int field = switch (packet.ipProtocol()) {
            case IpProtocols.TCP -> 16;
            case IpProtocols.UDP -> 6;
            case IpProtocols.ICMP, IpProtocols.ICMPV6 -> 2;
            default -> Packet.ABSENT;
        };
        if (field != Packet.ABSENT) {
            int from = packet.l4Offset();
            int to = packet.l3EndOffset();
            long pseudo =
                    packet.ipProtocol() == IpProtocols.ICMP ? 0 : InternetChecksum.pseudoHeader(packet, to - from);
            packet.putU16(from + field, InternetChecksum.finish(InternetChecksum.add(pseudo, packet, from, to)));
        }
        return packet.toBytes();
    }

    private void putIpv4() {
        long fragment = Field.NW_FRAG.get(key);
        frame.put((byte) 0x45).put((byte) Field.NW_TOS.get(key)).putShort((short) 0);
        frame.putShort((short) 0)
                .putShort((short)
                        (fragment == 0
                                ? 0
                                : (fragment & FieldValues.FRAGMENT_LATER) == 0
                                        ? MORE_FRAGMENTS
                                        : MORE_FRAGMENTS | LATER_OFFSET))
                .put((byte) Field.NW_TTL.get(key))
                .put((byte) Field.NW_PROTO.get(key))
                .putShort((short) 0);
        frame.putInt((int) Field.NW_SRC.get(key)).putInt((int) Field.NW_DST.get(key));
        putTransport();
    }

    private static int headerChecksum(ByteBuffer frame, int start) {
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += frame.getShort(start + i) & 0xffff;
        }
        sum = (sum & 0xffff) + (sum >>> 16);
        return ~(sum + (sum >>> 16)) & 0xffff;
    }

    private void putIpv6() {
        frame.putInt(6 << 28 | (int) Field.NW_TOS.get(key) << 20 | (int) Field.IPV6_LABEL.get(key));
        frame.putShort((short) 0).put((byte) Field.NW_PROTO.get(key)).put((byte) Field.NW_TTL.get(key));
        putWide(Field.IPV6_SRC);
        putWide(Field.IPV6_DST);
        putTransport();
    }

    private void putTransport() {
        transportOffset = frame.position();
        if ((Field.NW_FRAG.get(key) & FieldValues.FRAGMENT_LATER) != 0) {
            return;
        }
        switch ((int) Field.NW_PROTO.get(key)) {
            case IpProtocols.TCP -> {
                putPorts();
                int flags = (int) Field.TCP_FLAGS.get(key);
                frame.putLong(0)
                        .putShort((short) (5 << 12 | flags))
                        .putShort((short) 0)
                        .putInt(0);
                if ((flags & TCP_FIN_SYN_RST) == 0) {
                    putPayload();
                }
            }
            case IpProtocols.UDP -> {
                putPorts();
                frame.putInt(0);
                putPayload();
            }
            case IpProtocols.SCTP -> {
                putPorts();
                frame.putLong(0);
            }
            case IpProtocols.ICMP -> {
                putIcmp();
                putPayloadOfEcho(ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST);
            }
            case IpProtocols.ICMPV6 -> {
                putIcmp();
                putNeighbourDiscovery();
                putPayloadOfEcho(ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
            }
            default -> {
                // Nothing is known of what follows.
            }
        }
    }

    private void putPorts() {
        frame.putShort((short) Field.TP_SRC.get(key)).putShort((short) Field.TP_DST.get(key));
    }

    private void putIcmp() {
        frame.put((byte) Field.TP_SRC.get(key))
                .put((byte) Field.TP_DST.get(key))
                .putShort((short) 0)
                .putInt((int) Field.ND_RESERVED.get(key));
    }

    private void putPayloadOfEcho(int type, int otherType) {
        long present = Field.TP_SRC.get(key);
        if (Field.TP_DST.get(key) == 0 && (present == type || present == otherType)) {
            putPayload();
        }
    }

    private void putNeighbourDiscovery() {
        long type = Field.TP_SRC.get(key);
        boolean isDiscovery = type == FieldValues.NEIGHBOUR_SOLICITATION || type == FieldValues.NEIGHBOUR_ADVERTISEMENT;
        if (isDiscovery && Field.TP_DST.get(key) == 0) {
            putWide(Field.ND_TARGET);
            putLinkAddressOption(1, Field.ARP_SHA);
            putLinkAddressOption(2, Field.ARP_THA);
        }
    }

    private void putLinkAddressOption(int kind, Field field) {
        if (field.get(key) != 0) {
            frame.put((byte) kind).put((byte) (LINK_ADDRESS_OPTION_BYTES / 8));
            putMac(field.get(key));
        }
    }

    private void putPayload() {
        frame.put(payload);
    }

    /** One entry at least, as in Open vSwitch. */
    private void putLabels() {
        for (Field entry : LabelStack.fields()) {
            frame.putInt((int) entry.get(key));
            if (LabelStack.isBottom(entry.get(key))) {
                return;
            }
        }
    }

    private void putServiceHeader() {
        boolean fixed = Field.NSH_MDTYPE.get(key) == NshHeader.MD_TYPE_1;
        int bytes = fixed ? NshHeader.MD1_BYTES : NshHeader.BASE_BYTES;
        frame.putShort((short) NshHeader.firstWord((int) Field.NSH_FLAGS.get(key), (int) Field.NSH_TTL.get(key), bytes))
                .put((byte) Field.NSH_MDTYPE.get(key))
                .put((byte) Field.NSH_NP.get(key))
                .putInt((int) (Field.NSH_SPI.get(key) << Byte.SIZE | Field.NSH_SI.get(key)));
        if (fixed) {
            for (Field context : new Field[] {Field.NSH_C1, Field.NSH_C2, Field.NSH_C3, Field.NSH_C4}) {
                frame.putInt((int) context.get(key));
            }
        }
    }

    private void putArp() {
        long operation = Field.NW_PROTO.get(key);
        frame.putShort((short) 1)
                .putShort((short) EtherTypes.IPV4)
                .put((byte) 6)
                .put((byte) 4);
        frame.putShort((short) operation);
        boolean isKnown = operation == ARP_REQUEST || operation == ARP_REPLY;
        putMac(isKnown ? Field.ARP_SHA.get(key) : 0);
        frame.putInt(isKnown ? (int) Field.NW_SRC.get(key) : 0);
        putMac(isKnown ? Field.ARP_THA.get(key) : 0);
        frame.putInt(isKnown ? (int) Field.NW_DST.get(key) : 0);
    }

    private void putMac(long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    private void putWide(Field field) {
        frame.putLong(field.getHigh(key)).putLong(field.get(key));
    }
}
