package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.PacketInReason;

/**
 * The controller action: an output where that says it all, else one of Nicira's. What is read stands after the header.
 */
final class ControllerCodec {
    private static final int MAX_LENGTH = 0xffff;

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

    /** pad 48, then properties: type 16, length 16, value, padded to eight bytes. */
    private static OfAction readProperties(ByteBuf in) throws OfException {
        SubFieldCodec.needReserved(in, 6);
        int maxLength = MAX_LENGTH;
        int id = 0;
        PacketInReason reason = PacketInReason.ACTION;
        while (in.isReadable()) {
            Wire.need(in, 8, OfErrorCode.OFPBAC_BAD_LEN);
            int type = in.readUnsignedShort();
            int length = in.readUnsignedShort();
            if (length < 4) {
                throw new OfException(OfErrorCode.OFPBAC_BAD_LEN, "property of " + length + " bytes");
            }
            Wire.need(in, Wire.padded(length) - 4, OfErrorCode.OFPBAC_BAD_LEN);
            ByteBuf value = in.readSlice(Wire.padded(length) - 4);
            switch (type) {
                case 0 -> maxLength = value.readUnsignedShort();
                case 1 -> id = value.readUnsignedShort();
                case 2 -> reason = reason(value.readUnsignedByte());
                default ->
                    throw new OfException(
                            OfErrorCode.OFPBAC_BAD_ARGUMENT, "controller property " + type + " is not supported");
            }
        }
        return new OfAction.Controller(maxLength, reason, id);
    }

    static void write(ByteBuf out, OfAction.Controller a, WireVersion version) {
        if (a.reason() == PacketInReason.ACTION && a.controllerId() == 0) {
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
