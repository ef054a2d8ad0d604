package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.EncapProperty;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** NXAST_ENCAP and NXAST_DECAP, the same under every version. What is read stands after the header. */
final class EncapCodec {
    /** Property class and types of a network service header. */
    private static final int NSH_CLASS = 4;

    private static final int MD_TYPE = 1;
    private static final int TLV = 2;

    private static final int PROPERTY_HEADER_BYTES = 4;
    private static final int MD_TYPE_BYTES = 5;
    private static final int MD_TYPE_MOST_BYTES = 8;
    private static final int TLV_BYTES = 8;
    private static final int DECAP_BYTES = 6;

    private EncapCodec() {}

    /** hdr_size 16, new_pkt_type 32, properties, each padded to eight bytes. */
    static OfAction readEncap(ByteBuf in) throws OfException {
        in.skipBytes(2);
        int packetType = in.readInt();
        if (!OfAction.Encap.isHeader(packetType)) {
            throw new OfException(OfErrorCode.NXBAC_BAD_HEADER_TYPE, "encap of 0x" + Integer.toHexString(packetType));
        }
        List<EncapProperty> properties = new ArrayList<>();
        while (in.isReadable()) {
            properties.add(readProperty(in));
        }
        return new OfAction.Encap(packetType, List.copyOf(properties));
    }

    /** class 16, type 8, len 8; the length is that without padding. */
    private static EncapProperty readProperty(ByteBuf in) throws OfException {
        Wire.need(in, PROPERTY_HEADER_BYTES, OfErrorCode.OFPBAC_BAD_LEN);
        int start = in.readerIndex();
        int propertyClass = in.getUnsignedShort(start);
        int type = in.getUnsignedByte(start + 2);
        int length = in.getUnsignedByte(start + 3);
        if (length < PROPERTY_HEADER_BYTES || Wire.padded(length) > in.readableBytes()) {
            throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, "property of " + length + " bytes");
        }
        if (propertyClass != NSH_CLASS || type != MD_TYPE && type != TLV) {
            throw new OfException(OfErrorCode.NXBAC_UNKNOWN_ED_PROP, "property " + type + " of class " + propertyClass);
        }
        ByteBuf body = in.readSlice(Wire.padded(length)).skipBytes(PROPERTY_HEADER_BYTES);
        if (type == MD_TYPE) {
            badUnless(length <= MD_TYPE_MOST_BYTES);
            return new EncapProperty.MdType(body.readUnsignedByte());
        }
        badUnless(body.readableBytes() >= TLV_BYTES - PROPERTY_HEADER_BYTES);
        int tlvClass = body.readUnsignedShort();
        int tlvType = body.readUnsignedByte();
        int bytes = body.readUnsignedByte();
        badUnless(length == TLV_BYTES + Wire.padded(bytes) && bytes <= body.readableBytes());
        List<Byte> data = new ArrayList<>(bytes);
        for (int i = 0; i < bytes; i++) {
            data.add(body.readByte());
        }
        return new EncapProperty.Tlv(tlvClass, tlvType, List.copyOf(data));
    }

    private static void badUnless(boolean fine) throws OfException {
        if (!fine) {
            throw new OfException(OfErrorCode.NXBAC_BAD_ED_PROP, "property of a wrong length");
        }
    }

    static void writeEncap(ByteBuf out, OfAction.Encap a) {
        int start = ActionTable.start(out, ActionForm.NX_ENCAP);
        out.writeShort(0).writeInt(a.packetType());
        for (EncapProperty property : a.properties()) {
            switch (property) {
                case EncapProperty.MdType md ->
                    out.writeShort(NSH_CLASS)
                            .writeByte(MD_TYPE)
                            .writeByte(MD_TYPE_BYTES)
                            .writeByte(md.type())
                            .writeZero(3);
                case EncapProperty.Tlv tlv -> writeTlv(out, tlv);
            }
        }
        ActionTable.end(out, start);
    }

    private static void writeTlv(ByteBuf out, EncapProperty.Tlv tlv) {
        int bytes = tlv.data().size();
        out.writeShort(NSH_CLASS).writeByte(TLV).writeByte(TLV_BYTES + Wire.padded(bytes));
        out.writeShort(tlv.tlvClass()).writeByte(tlv.type()).writeByte(bytes);
        tlv.data().forEach(out::writeByte);
        out.writeZero(Wire.padded(bytes) - bytes);
    }

    /** pad 16, new_pkt_type 32. */
    static OfAction readDecap(ByteBuf in) throws OfException {
        if (in.readableBytes() > DECAP_BYTES) {
            throw new OfException(OfErrorCode.NXBAC_UNKNOWN_ED_PROP, "decap with properties");
        }
        return new OfAction.Decap(in.skipBytes(2).readInt());
    }

    static void writeDecap(ByteBuf out, OfAction.Decap a) {
        int start = ActionTable.start(out, ActionForm.NX_DECAP);
        out.writeZero(2).writeInt(a.packetType());
        ActionTable.end(out, start);
    }
}
