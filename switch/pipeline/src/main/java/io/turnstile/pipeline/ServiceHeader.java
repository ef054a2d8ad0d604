package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.packet.NshHeader;
import java.nio.ByteBuffer;

/** The bytes of a network service header (RFC 8300 §2) that is to be as a key says. */
final class ServiceHeader {
    private ServiceHeader() {}

    /** @param metadata of type 2; a multiple of four bytes */
    static byte[] of(long[] key, byte[] metadata) {
        boolean fixed = Field.NSH_MDTYPE.get(key) == NshHeader.MD_TYPE_1;
        int bytes = fixed ? NshHeader.MD1_BYTES : NshHeader.BASE_BYTES + metadata.length;
        ByteBuffer header = ByteBuffer.allocate(bytes);
        header.putShort(
                (short) NshHeader.firstWord((int) Field.NSH_FLAGS.get(key), (int) Field.NSH_TTL.get(key), bytes));
        header.put((byte) Field.NSH_MDTYPE.get(key)).put((byte) Field.NSH_NP.get(key));
        header.putInt((int) (Field.NSH_SPI.get(key) << Byte.SIZE | Field.NSH_SI.get(key)));
        if (fixed) {
            header.putInt((int) Field.NSH_C1.get(key)).putInt((int) Field.NSH_C2.get(key));
            header.putInt((int) Field.NSH_C3.get(key)).putInt((int) Field.NSH_C4.get(key));
        } else {
            header.put(metadata);
        }
        return header.array();
    }
}
