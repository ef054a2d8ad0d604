package io.turnstile.ovsdb.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The line before a record's JSON (ovsdb(5)): {@code OVSDB JSON length sha1}, without its line end.
 *
 * @param sum SHA-1 of the JSON, in hexadecimal
 */
record RecordHeader(long lengthBytes, String sum) {
    /** What every database file and every record begins with. */
    static final String MAGIC = "OVSDB JSON ";

    /** How a member of a cluster's file begins. */
    static final String CLUSTER_MAGIC = "OVSDB CLUSTER ";

    /** No header is longer, its line end included. */
    static final int MAX_BYTES = 100;

    private static final Pattern LINE = Pattern.compile(MAGIC + "(\\d{1,15}) ([0-9a-fA-F]{40})");
    private static final int SHOWN_CHARS = 60;

    static RecordHeader of(long lengthBytes, MessageDigest body) {
        return new RecordHeader(lengthBytes, HexFormat.of().formatHex(body.digest()));
    }

    /** Null if that is no header. */
    static @Nullable RecordHeader parse(String line) {
        Matcher matcher = LINE.matcher(line);
        return matcher.matches() ? new RecordHeader(Long.parseLong(matcher.group(1)), matcher.group(2)) : null;
    }

    boolean isSumOf(MessageDigest body) {
        return sum.equalsIgnoreCase(HexFormat.of().formatHex(body.digest()));
    }

    byte[] bytes() {
        return (MAGIC + lengthBytes + " " + sum + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    /** How a file begins, up to the first line's end; empty only if the file is. */
    static String beginning(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
        if (channel.read(bytes, 0) <= 0) {
            return "";
        }
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
        int end = text.indexOf('\n');
        return end > 0 ? text.substring(0, end) : text;
    }

    static MessageDigest newSum() {
        try {
            return MessageDigest.getInstance("SHA-1");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }

    /** Bytes that are no header, for people: one line of printable characters. */
    static String shown(String line) {
        String printable = line.replaceAll("[^\\x20-\\x7e]", "?");
        return '"' + (printable.length() <= SHOWN_CHARS ? printable : printable.substring(0, SHOWN_CHARS) + "…") + '"';
    }
}
