package io.turnstile.stories;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;

/**
 * OpenFlow messages written down by hand, well-formed or not. Actions are hexadecimal digits in round brackets behind a
 * name, {@code ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0001 0000 ) )}: a name stands for an action's header,
 * whose length is counted, and a closing bracket for the padding to eight bytes. {@code raw(} has no header.
 */
final class ActionBytes {
    private static final int NICIRA = 0x2320;
    private static final int EXPERIMENTER = 0xffff;
    private static final int OF10 = 1;
    private static final int FLOW_MOD = 14;
    private static final int OF10_ALL_BUT_TYPE_AND_PROTOCOL = 0x3fffff & ~(1 << 4) & ~(1 << 5);
    private static final int OF10_ALL_BUT_TYPE = 0x3fffff & ~(1 << 4);

    private ActionBytes() {}

    static byte[] actions(String text) {
        Deque<ByteArrayOutputStream> open = new ArrayDeque<>();
        open.push(new ByteArrayOutputStream());
        for (String token : text.trim().split("\\s+")) {
            if (token.endsWith("(")) {
                open.push(new ByteArrayOutputStream());
                open.element().writeBytes(header(token));
            } else if (token.equals(")")) {
                byte[] action = closed(open.pop().toByteArray());
                open.element().writeBytes(action);
            } else {
                open.element().writeBytes(HexFormat.of().parseHex(token));
            }
        }
        return open.pop().toByteArray();
    }

    private static byte[] header(String name) {
        int subtype = switch (name) {
            case "resubmit(" -> 1;
            case "queue(" -> 4;
            case "popqueue(" -> 5;
            case "move(" -> 6;
            case "load(" -> 7;
            case "note(" -> 8;
            case "exit(" -> 17;
            case "ttl(" -> 18;
            case "push(" -> 27;
            case "pop(" -> 28;
            case "ct(" -> 35;
            case "nat(" -> 36;
            case "clear(" -> 43;
            case "raw(" -> -1;
            default -> throw new IllegalArgumentException(name);
        };
        return subtype < 0
                ? new byte[0]
                : ByteBuffer.allocate(10)
                        .putShort((short) EXPERIMENTER)
                        .putShort((short) 0)
                        .putInt(NICIRA)
                        .putShort((short) subtype)
                        .array();
    }

    private static byte[] closed(byte[] action) {
        int length = action.length + 7 & ~7;
        ByteBuffer padded = ByteBuffer.allocate(length).put(action);
        boolean counted = action.length >= 8 && padded.getShort(0) == (short) EXPERIMENTER && padded.getShort(2) == 0;
        return (counted ? padded.putShort(2, (short) length) : padded).array();
    }

    /**
     * A message that adds a flow to table 0.
     *
     * @param version 1, 4 or 6
     * @param protocol IP protocol, 0 for any
     */
    static byte[] addFlow(int version, int etherType, int protocol, byte[] actions) {
        byte[] match = version == OF10 ? match10(etherType, protocol) : oxm(etherType, protocol);
        int fixed = version == OF10 ? 8 + 40 + 24 : 8 + 40 + match.length + 8;
        ByteBuffer out = ByteBuffer.allocate(fixed + actions.length);
        out.put((byte) version)
                .put((byte) FLOW_MOD)
                .putShort((short) out.capacity())
                .putInt(7);
        if (version == OF10) {
            out.put(match)
                    .putLong(0)
                    .putShort((short) 0)
                    .putShort((short) 0)
                    .putShort((short) 0)
                    .putShort((short) 1);
            out.putInt(-1).putShort((short) -1).putShort((short) 0);
        } else {
            out.putLong(0)
                    .putLong(0)
                    .put((byte) 0)
                    .put((byte) 0)
                    .putShort((short) 0)
                    .putShort((short) 0);
            out.putShort((short) 1)
                    .putInt(-1)
                    .putInt(-1)
                    .putInt(-1)
                    .putShort((short) 0)
                    .putShort((short) 0)
                    .put(match);
            out.putShort((short) 4).putShort((short) (8 + actions.length)).putInt(0);
        }
        return out.put(actions).array();
    }

    private static byte[] match10(int etherType, int protocol) {
        return ByteBuffer.allocate(40)
                .putInt(protocol == 0 ? OF10_ALL_BUT_TYPE : OF10_ALL_BUT_TYPE_AND_PROTOCOL)
                .putShort(22, (short) etherType)
                .put(25, (byte) protocol)
                .array();
    }

    private static byte[] oxm(int etherType, int protocol) {
        int length = 4 + 6 + (protocol == 0 ? 0 : 5);
        ByteBuffer match =
                ByteBuffer.allocate(length + 7 & ~7).putShort((short) 1).putShort((short) length);
        match.putInt(0x80000a02).putShort((short) etherType);
        if (protocol != 0) {
            match.putInt(0x80001401).put((byte) protocol);
        }
        return match.array();
    }
}
