package io.turnstile.pipeline;

import io.turnstile.datapath.DropReason;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.KeyLayer;
import io.turnstile.datapath.LabelStack;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.NshHeader;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.EncapProperty;
import java.io.ByteArrayOutputStream;

/**
 * The actions that put headers in front of packets and take them off (ovs-actions(7), "Encapsulation Actions"). What
 * has to be done for them the datapath is told with the next step that needs it ({@link PendingRewrites}), so that
 * fields that are written meanwhile are in the header from the beginning.
 *
 * <p>Threads: one, under the table lock.
 */
final class EncapActions {
    private static final int FIRST_TTL = 63;
    private static final int FIRST_INDEX = 255;
    private static final int MD_TYPE_MASK = 0xf;
    private static final int MOST_METADATA_BYTES = NshHeader.MAX_BYTES - NshHeader.BASE_BYTES;

    private final Walk walk;
    private final MplsActions mpls;
    private final FieldActions fields;

    EncapActions(Walk walk, MplsActions mpls, FieldActions fields) {
        this.walk = walk;
        this.mpls = mpls;
        this.fields = fields;
    }

    // ---- encap ----

    void encap(OfAction.Encap encap) {
        walk.commit();
        int etherType = encap.packetType() & 0xffff;
        if (encap.packetType() == Packet.ETHERNET) {
            encapInEthernet();
        } else if (EtherTypes.isMpls(etherType)) {
            encapInMpls(etherType);
        } else {
            encapInNsh(encap);
        }
    }

    private void encapInEthernet() {
        long[] key = walk.state.key;
        if (packetType() == Packet.ETHERNET) {
            unsupported("Dropping packet as encap(ethernet) is not supported for packet type ethernet.");
            return;
        }
        Field.PACKET_TYPE.set(key, Packet.ETHERNET);
        forgetAddresses(key);
        walk.rewrites.encapPending(new byte[0]);
    }

    private void encapInMpls(int etherType) {
        long[] key = walk.state.key;
        // The labels and tags of an Ethernet frame are payload from now on.
        if (mpls.stack(etherType, packetType() != Packet.ETHERNET)) {
            walk.restoreVlan(new VlanStack(null, etherType));
            Field.PACKET_TYPE.set(key, Packet.typeOf(etherType));
            forgetAddresses(key);
            walk.rewrites.encapPending(new byte[0]);
        }
    }

    private void encapInNsh(OfAction.Encap encap) {
        int nextProtocol = nextProtocol();
        if (nextProtocol == 0) {
            unsupported("Dropping packet as encap(nsh) is not supported for packet type " + packetTypeText());
            return;
        }
        int mdType = NshHeader.MD_TYPE_1;
        ByteArrayOutputStream metadata = new ByteArrayOutputStream();
        for (EncapProperty property : encap.properties()) {
            switch (property) {
                case EncapProperty.MdType md -> mdType = md.type();
                case EncapProperty.Tlv tlv -> append(tlv, metadata);
            }
        }
        long[] key = walk.state.key;
        for (Field field : Field.values()) {
            if (field.layer().isInPacket() && field != Field.PACKET_TYPE) {
                field.set(key, 0, 0);
            }
        }
        walk.restoreVlan(new VlanStack(null, EtherTypes.NSH));
        Field.PACKET_TYPE.set(key, Packet.typeOf(EtherTypes.NSH));
        Field.NSH_TTL.set(key, FIRST_TTL);
        Field.NSH_NP.set(key, nextProtocol);
        Field.NSH_SI.set(key, FIRST_INDEX);
        Field.NSH_MDTYPE.set(key, mdType & MD_TYPE_MASK);
        boolean kept = mdType == NshHeader.MD_TYPE_2 && metadata.size() <= MOST_METADATA_BYTES;
        walk.rewrites.encapPending(kept ? metadata.toByteArray() : new byte[0]);
    }

    /** class 16, type 8, length 8, data padded to four bytes (RFC 8300 §2.5.1). */
    private static void append(EncapProperty.Tlv tlv, ByteArrayOutputStream out) {
        out.write(tlv.tlvClass() >>> 8);
        out.write(tlv.tlvClass());
        out.write(tlv.type());
        out.write(tlv.data().size());
        tlv.data().forEach(octet -> out.write(octet));
        while (out.size() % Integer.BYTES != 0) {
            out.write(0);
        }
    }

    private int nextProtocol() {
        int type = packetType();
        if (type == Packet.ETHERNET) {
            return NshHeader.ETHERNET;
        }
        return switch (type & 0xffff) {
            case EtherTypes.IPV4 -> NshHeader.IPV4;
            case EtherTypes.IPV6 -> NshHeader.IPV6;
            case EtherTypes.NSH -> NshHeader.NSH;
            default -> 0;
        };
    }

    // ---- decap ----

    /** Returns whether what comes to light is not known before the packet has come back from recirculation. */
    boolean decap(OfAction.Decap decap) {
        walk.commit();
        int type = packetType();
        if (type == Packet.ETHERNET) {
            decapEthernet();
            return false;
        }
        if (type == Packet.typeOf(EtherTypes.NSH)) {
            return decapNsh();
        }
        if (EtherTypes.isMpls(type & 0xffff)) {
            return decapMpls(decap.packetType());
        }
        unsupported("Dropping packet as the decap() does not support packet type " + packetTypeText());
        return false;
    }

    private void decapEthernet() {
        long[] key = walk.state.key;
        if (walk.state.vlan().outer() != null) {
            unsupported("Dropping packet, cannot decap Ethernet if VLAN is present.");
            return;
        }
        walk.lookAtTags();
        Field.PACKET_TYPE.set(key, Packet.typeOf((int) Field.ETH_TYPE.get(key)));
        forgetAddresses(key);
        walk.rewrites.vlanWritten();
    }

    private boolean decapNsh() {
        long[] key = walk.state.key;
        int inner = switch ((int) Field.NSH_NP.get(key)) {
            case NshHeader.ETHERNET -> Packet.ETHERNET;
            case NshHeader.IPV4 -> Packet.typeOf(EtherTypes.IPV4);
            case NshHeader.IPV6 -> Packet.typeOf(EtherTypes.IPV6);
            case NshHeader.NSH -> Packet.typeOf(EtherTypes.NSH);
            default -> Packet.UNKNOWN_TYPE;
        };
        Field.NSH_NP.setExact(walk.wildcards);
        if (inner == Packet.UNKNOWN_TYPE) {
            unsupported("Dropping packet as NSH next protocol " + Field.NSH_NP.get(key) + " is not supported");
            return false;
        }
        Field.PACKET_TYPE.set(key, inner);
        walk.rewrites.decapPending();
        return true;
    }

    private boolean decapMpls(int packetType) {
        long[] key = walk.state.key;
        int length = LabelStack.length(key);
        int etherType = packetType & 0xffff;
        boolean isEthernet = etherType == 0;
        if (!mpls.unstack(isEthernet ? EtherTypes.TRANSPARENT_BRIDGING : etherType)) {
            return false;
        }
        Field.PACKET_TYPE.set(key, isEthernet ? Packet.ETHERNET : Packet.typeOf(etherType));
        walk.rewrites.decapPending();
        return length == 1;
    }

    // ---- TTL ----

    /** As {@link MplsActions#decrementTtl}. */
    boolean decrementTtl(Runnable expired) {
        long[] key = walk.state.key;
        if (Field.ETH_TYPE.get(key) == EtherTypes.NSH) {
            Field.NSH_TTL.setExact(walk.wildcards);
            long ttl = Field.NSH_TTL.get(key);
            if (ttl > 1) {
                fields.write(Field.NSH_TTL, new Bits(0, ttl - 1), new Bits(0, Field.NSH_TTL.lowMask()));
                return true;
            }
            expired.run();
        }
        walk.report.warning("NSH decrement TTL exception");
        return false;
    }

    // ---- what both share ----

    private int packetType() {
        return (int) Field.PACKET_TYPE.get(walk.state.key);
    }

    private String packetTypeText() {
        return "(" + (packetType() >>> Short.SIZE) + ",0x" + Integer.toHexString(packetType() & 0xffff) + ")";
    }

    private static void forgetAddresses(long[] key) {
        Field.ETH_SRC.set(key, 0);
        Field.ETH_DST.set(key, 0);
    }

    private void unsupported(String what) {
        walk.report.likeAction(what);
        walk.fail(DropReason.UNSUPPORTED_PACKET_TYPE);
    }

    /** Whether a field is of the header that only Ethernet frames have. */
    static boolean isOfEthernet(Field field) {
        return field.layer() == KeyLayer.LINK
                && !LabelStack.fields().contains(field)
                && field != Field.ETH_TYPE
                && field != Field.PACKET_TYPE;
    }
}
