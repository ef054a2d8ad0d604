package io.turnstile.datapath;

import io.turnstile.packet.NshHeader;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** The text of a network service header that is pushed, as Open vSwitch writes it. */
final class NshText {
    private NshText() {}

    /** {@code flags=…,ttl=…,mdtype=…,np=…,spi=…,si=…} and the metadata, of type 2 as it stands. */
    static String of(byte[] header) {
        ByteBuffer in = ByteBuffer.wrap(header);
        int first = in.getShort(0);
        int path = in.getInt(NshHeader.PATH);
        StringBuilder text = new StringBuilder("flags=" + (first >>> 12 & 3) + ",ttl=" + (first >>> 6 & 0x3f)
                + ",mdtype=" + in.get(NshHeader.MD_TYPE) + ",np=" + in.get(NshHeader.NEXT_PROTOCOL)
                + ",spi=0x" + Integer.toHexString(path >>> 8) + ",si=" + (path & 0xff));
        if (in.get(NshHeader.MD_TYPE) == NshHeader.MD_TYPE_1) {
            for (int i = 0; i < 4; i++) {
                int context = in.getInt(NshHeader.CONTEXT + i * Integer.BYTES);
                text.append(",c").append(i + 1).append("=0x").append(Integer.toHexString(context));
            }
        } else {
            text.append(",md2=").append(hexOf(header));
        }
        return text.toString();
    }

    /** Of the metadata, without zeros in front. */
    private static String hexOf(byte[] header) {
        String digits = HexFormat.of()
                .formatHex(header, NshHeader.BASE_BYTES, header.length)
                .replaceFirst("^0+", "");
        return digits.isEmpty() ? "0" : "0x" + digits;
    }
}
