package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.MatchField.Masked;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The text of packet_type: {@code (namespace,type)}. */
final class PacketTypeText {
    private static final Pattern PARTS = Pattern.compile("\\(?\\s*([^,]+),([^)]+)\\)?");
    private static final long PART = 0xffff;

    private PacketTypeText() {}

    static Masked parse(String text) throws FlowTextException {
        Matcher parts = PARTS.matcher(text);
        if (!parts.matches()) {
            throw new FlowTextException(text + ": not a packet type (ns,type)");
        }
        long namespace = Numbers.parse("packet type namespace", parts.group(1), PART);
        long type = Numbers.parse("packet type", parts.group(2), PART);
        return new Masked(0, namespace << Short.SIZE | type, 0, 0xffff_ffffL);
    }

    static String format(long value) {
        return "(" + (value >>> Short.SIZE) + ",0x" + Long.toHexString(value & PART) + ")";
    }
}
