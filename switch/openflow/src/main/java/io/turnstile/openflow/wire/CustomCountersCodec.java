package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The counters that a port's device has beyond the usual, by name: a property of its statistics since 1.4, of Intel's
 * as experimenter.
 */
public final class CustomCountersCodec {
    private static final int INTEL = 0xaa01;
    private static final int CUSTOM = 2;

    private CustomCountersCodec() {}

    /**
     * Writes the property.
     *
     * @param counters names of at most 255 bytes
     */
    public static void write(ByteBuf out, Map<String, Long> counters) {
        int start = Wire.startProperty(out, Wire.EXPERIMENTER);
        out.writeInt(INTEL).writeInt(CUSTOM);
        out.writeZero(2).writeShort(counters.size());
        counters.forEach((name, value) -> {
            byte[] letters = name.getBytes(StandardCharsets.UTF_8);
            out.writeByte(letters.length).writeBytes(letters).writeLong(value);
        });
        Wire.endProperty(out, start);
    }
}
