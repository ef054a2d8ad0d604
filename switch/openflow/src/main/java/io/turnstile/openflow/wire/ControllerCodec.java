package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.ArrayList;
import java.util.List;

/**
 * The controller action: an output where that says it all, else one of Nicira's. What is read stands after the header.
 */
final class ControllerCodec {
    private static final int MAX_LENGTH = 0xffff;
    // Properties.
    private static final int MAX_LEN = 0;
    private static final int CONTROLLER_ID = 1;
    private static final int REASON = 2;
    private static final int USERDATA = 3;
    private static final int PAUSE = 4;
    private static final int METER_ID = 5;

    private ControllerCodec() {}

    static OfAction read(ActionForm form, ByteBuf in) throws OfException {
        return form.equals(ActionForm.NX_CONTROLLER) ? readFixed(in) : readProperties(in);
    }

    /** max_len 16, controller_id 16, reason 8, zero 8. */
    private static OfAction readFixed(ByteBuf in) throws OfException {
        int maxLength = in.readUnsignedShort();
        int id = in.readUnsignedShort();
        return new OfAction.Controller(maxLength, reason(in.readUnsignedByte()), id);
    }

    private static PacketInReason reason(int number) throws OfException {
        return PacketInReason.of(number)
                .orElseThrow(() -> new OfException(OfErrorCode.OFPBAC_BAD_ARGUMENT, "packet-in reason " + number));
    }

    /** pad 48, then properties, of which the last of a type counts. */
    private static OfAction readProperties(ByteBuf in) throws OfException {
        SubFieldCodec.needReserved(in, 6);
        int maxLength = MAX_LENGTH;
        int id = 0;
        PacketInReason reason = PacketInReason.ACTION;
        List<Byte> userdata = List.of();
        boolean pause = false;
        int meterId = OfAction.Controller.NO_METER;
        while (in.isReadable()) {
            Property property = Property.read(in);
            switch (property.type()) {
                case MAX_LEN -> maxLength = property.atLeast16();
                case CONTROLLER_ID -> id = property.atLeast16();
                case REASON -> reason = reason(property.atLeast8());
                case USERDATA -> userdata = bytes(property.value());
                case PAUSE -> pause = true;
                case METER_ID -> meterId = property.value32();
                default -> throw property.unknownPrivately();
            }
        }
        return new OfAction.Controller(maxLength, reason, id, userdata, pause, meterId);
    }

    private static List<Byte> bytes(ByteBuf in) {
        List<Byte> bytes = new ArrayList<>(in.readableBytes());
        while (in.isReadable()) {
            bytes.add(in.readByte());
        }
        return List.copyOf(bytes);
    }

    /** What is as it would be without is left out. */
    private static void writeProperties(ByteBuf out, OfAction.Controller a) {
        int start = ActionTable.start(out, ActionForm.NX_CONTROLLER2);
        out.writeZero(6);
        if (a.maxLengthBytes() != MAX_LENGTH) {
            out.writeShort(MAX_LEN).writeShort(8).writeShort(a.maxLengthBytes()).writeZero(2);
        }
        if (a.controllerId() != 0) {
            out.writeShort(CONTROLLER_ID)
                    .writeShort(8)
                    .writeShort(a.controllerId())
                    .writeZero(2);
        }
        if (a.reason() != PacketInReason.ACTION) {
            out.writeShort(REASON).writeShort(5).writeByte(a.reason().number()).writeZero(3);
        }
        if (!a.userdata().isEmpty()) {
            int property = Wire.startProperty(out, USERDATA);
            a.userdata().forEach(one -> out.writeByte(one));
            Wire.endProperty(out, property);
        }
        if (a.pause()) {
            out.writeShort(PAUSE).writeShort(4).writeZero(4);
        }
        if (a.meterId() != OfAction.Controller.NO_METER) {
            out.writeShort(METER_ID).writeShort(8).writeInt(a.meterId());
        }
        ActionTable.end(out, start);
    }

    static void write(ByteBuf out, OfAction.Controller a, WireVersion version) {
        if (a.isExtended()) {
            writeProperties(out, a);
            return;
        }
        if (a.isPlain()) {
            StandardActions.output(out, Ports.CONTROLLER, a.maxLengthBytes(), version);
            return;
        }
        int start = ActionTable.start(out, ActionForm.NX_CONTROLLER);
        out.writeShort(a.maxLengthBytes())
                .writeShort(a.controllerId())
                .writeByte(a.reason().number())
                .writeByte(0);
        ActionTable.end(out, start);
    }
}
