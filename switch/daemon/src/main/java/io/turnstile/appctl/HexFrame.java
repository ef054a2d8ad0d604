package io.turnstile.appctl;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/** Frames that are given in hexadecimal; blanks between the digits do not matter. */
final class HexFrame {
    private static final Pattern DIGITS = Pattern.compile("([0-9a-fA-F]{2}){14,}");

    private HexFrame() {}

    /** What is wrong with a text that is no frame. */
    static String fault(String text) {
        return text.replaceAll("\\s+", "").matches("([0-9a-fA-F]{2})*")
                ? "Packet data too short for Ethernet"
                : "Trailing garbage in packet data";
    }

    /** The frame; empty if the text is none, or shorter than an Ethernet header. */
    static Optional<byte[]> parse(String text) {
        String digits = text.replaceAll("\\s+", "");
        return DIGITS.matcher(digits).matches() ? Optional.of(HexFormat.of().parseHex(digits)) : Optional.empty();
    }
}
