package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.SelectionMethod;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Netronome's property of groups that says how one selects: experimenter 32, type 32, pad 32, method as text in 16
 * bytes, parameter 64, fields without masks whose values are the masks.
 */
final class SelectionCodec {
    private static final int NETRONOME = 0x0000_154d;
    /** What Open vSwitch once used instead. */
    private static final int NETRONOME_FORMERLY = 0x0000_15ad;

    private static final int SELECTION_METHOD = 1;
    private static final int METHOD_BYTES = 16;
    private static final int FIXED_BYTES = 36;

    private SelectionCodec() {}

    /** Reads the properties of a group until {@code in} is used up; null if none says how to select. */
    static @Nullable SelectionMethod read(ByteBuf in, GroupMod.@Nullable Command command, @Nullable GroupType type)
            throws OfException {
        SelectionMethod selection = null;
        while (in.isReadable()) {
            Property property = Property.read(in);
            if (property.type() != Wire.EXPERIMENTER) {
                throw property.unknown();
            }
            Wire.need(property.value(), 8, OfErrorCode.OFPBPC_BAD_LEN);
            int experimenter = property.value().readInt();
            int kind = property.value().readInt();
            if ((experimenter != NETRONOME && experimenter != NETRONOME_FORMERLY) || kind != SELECTION_METHOD) {
                throw property.unknown();
            }
            selection = method(property.value(), command, type);
        }
        return selection;
    }

    private static SelectionMethod method(ByteBuf in, GroupMod.@Nullable Command command, @Nullable GroupType type)
            throws OfException {
        if (type == null) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_TYPE, "a group of no type");
        }
        if (command == null) {
            throw new OfException(OfErrorCode.OFPGMFC_BAD_COMMAND, "no command");
        }
        if (type != GroupType.SELECT || !command.describesGroup()) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "a selection method where nothing is selected");
        }
        Wire.need(in, FIXED_BYTES - 8, OfErrorCode.OFPBPC_BAD_LEN);
        in.skipBytes(4);
        SelectionMethod.Method method = SelectionMethod.Method.named(methodName(in.readSlice(METHOD_BYTES)));
        if (method == null) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "an unknown selection method");
        }
        long parameter = in.readLong();
        if (in.isReadable() && method != SelectionMethod.Method.HASH) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "fields of a method that has none");
        }
        return new SelectionMethod(method, parameter, fields(in));
    }

    private static String methodName(ByteBuf in) throws OfException {
        int length = in.bytesBefore((byte) 0);
        if (length < 0) {
            throw new OfException(OfErrorCode.OFPBPC_BAD_VALUE, "a selection method without an end");
        }
        return in.toString(in.readerIndex(), length, StandardCharsets.US_ASCII);
    }

    private static List<SelectionMethod.HashedField> fields(ByteBuf in) throws OfException {
        List<SelectionMethod.HashedField> fields = new ArrayList<>();
        while (in.isReadable()) {
            FieldHeader header = FieldHeader.read(in, OfErrorCode.OFPBMC_BAD_LEN, OfErrorCode.OFPBMC_BAD_FIELD);
            if (header.masked()) {
                throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, "the mask of a mask");
            }
            MatchField field = header.field();
            if (fields.stream().anyMatch(other -> other.field() == field)) {
                throw new OfException(OfErrorCode.OFPBMC_DUP_FIELD, field.name() + " twice");
            }
            Wire.need(in, field.wireBytes(), OfErrorCode.OFPBMC_BAD_LEN);
            Bits mask = MatchCodec.readNumber(in, field);
            boolean whole = mask.low() == field.lowMask()
                    && mask.high() == field.field().highMask();
            if (!whole && !field.maskable()) {
                throw new OfException(OfErrorCode.OFPBMC_BAD_MASK, field.name() + " cannot be masked");
            }
            fields.add(new SelectionMethod.HashedField(field, mask));
        }
        return List.copyOf(fields);
    }

    /** Writes the whole property. */
    static void write(ByteBuf out, SelectionMethod selection, WireVersion version) {
        int start = Wire.startProperty(out, Wire.EXPERIMENTER);
        out.writeInt(NETRONOME).writeInt(SELECTION_METHOD).writeInt(0);
        byte[] method = selection.method().label().getBytes(StandardCharsets.US_ASCII);
        out.writeBytes(method).writeZero(METHOD_BYTES - method.length);
        out.writeLong(selection.parameter());
        for (SelectionMethod.HashedField hashed : selection.fields()) {
            MatchCodec.writeHeader(out, hashed.field(), false, version);
            MatchCodec.writeNumber(
                    out, hashed.field(), hashed.mask().high(), hashed.mask().low());
        }
        Wire.endProperty(out, start);
    }
}
