package io.turnstile.appctl;

import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A number at the head of a text, read as strtoll(3) reads it with base 0: blanks, a sign, then decimal, {@code 0x}
 * hexadecimal or {@code 0} octal digits.
 *
 * @param rest what follows the digits
 */
record StrtollNumber(BigInteger value, String rest) {
    private static final Pattern NUMBER = Pattern.compile("\\s*([-+]?)(0[xX]([0-9a-fA-F]+)|0[0-7]*|[1-9][0-9]*)");

    /** Reads the number at the head of a text; null if there are no digits. */
    static @Nullable StrtollNumber scan(String text) {
        Matcher number = NUMBER.matcher(text);
        if (!number.lookingAt()) {
            return null;
        }
        String digits = number.group(2);
        BigInteger value = number.group(3) != null
                ? new BigInteger(number.group(3), 16)
                : new BigInteger(digits, digits.startsWith("0") ? 8 : 10);
        return new StrtollNumber(number.group(1).equals("-") ? value.negate() : value, text.substring(number.end()));
    }

    /** The text as an unsigned number of so many bits; null if it is none, or something follows it. */
    static @Nullable BigInteger unsigned(String text, int bits) {
        StrtollNumber number = scan(text);
        if (number == null || !number.rest.isEmpty() || number.value.signum() < 0) {
            return null;
        }
        return number.value.bitLength() <= bits ? number.value : null;
    }
}
