package io.turnstile.pipeline.flow;

import io.turnstile.datapath.FieldText;
import java.math.BigInteger;

/** Unsigned numbers in decimal or {@code 0x} hexadecimal, up to 128 bits, with or without mask. */
final class Numbers {
    private Numbers() {}

    /** @param max unsigned upper limit */
    static long parse(String what, String text, long max) throws FlowTextException {
        BigInteger number = big(text);
        if (number.signum() < 0 || number.bitLength() > 64 || Long.compareUnsigned(number.longValue(), max) > 0) {
            throw new FlowTextException("invalid " + what + " \"" + text + "\"");
        }
        return number.longValue();
    }

    /** 32 bits without a sign; leading zeros mean octal, as for strtoul. */
    static int parse32(String text) throws FlowTextException {
        if (text.isEmpty()) {
            throw new FlowTextException("missing required numeric argument");
        }
        try {
            if (Character.isDigit(text.charAt(0))) {
                return Integer.parseUnsignedInt(Long.toString(Long.decode(text)));
            }
        } catch (NumberFormatException tooLargeOrNone) {
            // Refused below.
        }
        throw new FlowTextException("invalid numeric format " + text);
    }

    /** {@code value} or {@code value/mask}, at most 64 bits each; a mask may be {@code -1}. */
    static long[] parseMasked(String text, long exactMask) throws FlowTextException {
        int slash = text.indexOf('/');
        long value = parse64(slash < 0 ? text : text.substring(0, slash));
        return new long[] {value, slash < 0 ? exactMask : parse64(text.substring(slash + 1))};
    }

    /** The decimal number that the text begins with, as atoi reads it: 0 if there is none. */
    static long leading(String text) {
        String trimmed = text.stripLeading();
        int end = trimmed.startsWith("-") || trimmed.startsWith("+") ? 1 : 0;
        int start = end;
        while (end < trimmed.length() && end - start < 18 && Character.digit(trimmed.charAt(end), 10) >= 0) {
            end++;
        }
        long number = end == start ? 0 : Long.parseLong(trimmed.substring(start, end));
        return trimmed.startsWith("-") ? -number : number;
    }

    /** 64 bits; negative numbers as two's complement, as strtoull takes them. */
    static long parse64(String text) throws FlowTextException {
        BigInteger number = big(text);
        if (number.bitLength() > 64) {
            throw new FlowTextException("invalid syntax in " + text + ": too large");
        }
        return number.longValue();
    }

    static BigInteger big(String text) throws FlowTextException {
        String trimmed = text.trim();
        boolean negative = trimmed.startsWith("-");
        String digits = negative ? trimmed.substring(1) : trimmed;
        boolean hex = digits.startsWith("0x") || digits.startsWith("0X");
        String body = hex ? digits.substring(2) : digits;
        if (!body.matches(hex ? "[0-9a-fA-F]{1,64}" : "[0-9]{1,64}")) {
            throw new FlowTextException("bad syntax for number \"" + text + "\"");
        }
        BigInteger number = new BigInteger(body, hex ? 16 : 10);
        return negative ? number.negate() : number;
    }

    /** C's {@code %#x}: 0 has no prefix. */
    static String hex(long value) {
        return FieldText.hex(value);
    }

    static String decimal(long value) {
        return Long.toUnsignedString(value);
    }
}
