package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.TlvTable;
import io.turnstile.pipeline.TlvTable.Mapping;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;

/** NXT_TLV_TABLE_MOD and NXT_TLV_TABLE_REPLY. */
public final class TlvTableCodec {
    private static final int ADD = 0;
    private static final int DELETE = 1;
    private static final int CLEAR = 2;
    private static final int MAPPING_BYTES = 8;

    private TlvTableCodec() {}

    /** Carries out what stands behind the Nicira header, of which eight bytes are there. */
    public static void apply(ByteBuf in, TlvTable table) throws OfException {
        int command = in.readUnsignedShort();
        in.skipBytes(6);
        if (in.readableBytes() % MAPPING_BYTES != 0) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "a cut mapping");
        }
        List<Mapping> mappings = new ArrayList<>();
        while (in.isReadable()) {
            int optionClass = in.readUnsignedShort();
            int type = in.readUnsignedByte();
            int lengthBytes = in.readUnsignedByte();
            mappings.add(new Mapping(optionClass, type, lengthBytes, in.readUnsignedShort()));
            in.skipBytes(2);
        }
        switch (command) {
            case ADD -> table.add(mappings);
            case DELETE -> table.delete(mappings);
            case CLEAR -> table.clear();
            default -> throw new OfException(OfErrorCode.NXTTMFC_BAD_COMMAND, "command " + command);
        }
    }

    /** Writes the content of the reply. */
    public static void write(ByteBuf out, List<Mapping> mappings) {
        out.writeInt(TlvTable.OPTION_SPACE_BYTES).writeShort(TlvTable.FIELDS).writeZero(10);
        for (Mapping mapping : mappings) {
            out.writeShort(mapping.optionClass())
                    .writeByte(mapping.optionType())
                    .writeByte(mapping.lengthBytes())
                    .writeShort(mapping.index())
                    .writeShort(0);
        }
    }
}
