package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;

/**
 * A message that ovs-ofctl sent.
 *
 * @param command what it was told to do
 */
record RecordedMessage(WireVersion version, String command, byte[] bytes) {
    private static final int VENDOR_HEADER_BYTES = 16;

    /** All of a resource: three lines each, version, command and bytes; lines of remarks begin with #. */
    static List<RecordedMessage> of(String resource) {
        List<RecordedMessage> messages = new ArrayList<>();
        List<String> lines = lines(resource);
        for (int i = 0; i < lines.size(); i += 3) {
            messages.add(new RecordedMessage(
                    WireVersion.valueOf("OF" + lines.get(i).substring("OpenFlow".length())),
                    lines.get(i + 1),
                    HexFormat.of().parseHex(lines.get(i + 2))));
        }
        return messages;
    }

    private static List<String> lines(String resource) {
        try (InputStream in = RecordedMessage.class.getResourceAsStream(resource)) {
            return new String(Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What stands behind the header, and behind Nicira's under 1.0, which has no such message of its own. */
    ByteBuf body() {
        int head = version == WireVersion.OF10 ? VENDOR_HEADER_BYTES : Wire.HEADER_BYTES;
        return Unpooled.wrappedBuffer(bytes, head, bytes.length - head);
    }

    /** What the command says behind its name and options. */
    String arguments() {
        int at = command.indexOf('=') < 0 ? -1 : command.lastIndexOf(' ', command.indexOf('='));
        return at < 0 ? "" : command.substring(at + 1);
    }

    @Override
    public String toString() {
        return version + " " + command;
    }
}
