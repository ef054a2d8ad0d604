package io.turnstile.appctl;

import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.KeyValueScanner;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * One {@code key=value} of an argument, which may as well be {@code key:value} or {@code key(value)}.
 *
 * @param value empty if there is none
 */
record KeyValuePair(String key, String value) {

    /** The pairs of one argument, separated by commas and blanks. */
    static List<KeyValuePair> all(String argument) {
        List<KeyValuePair> pairs = new ArrayList<>();
        KeyValueScanner scanner = new KeyValueScanner(argument);
        try {
            while (scanner.next()) {
                pairs.add(new KeyValuePair(scanner.key(), scanner.value()));
            }
        } catch (FlowTextException unbalanced) { // a parenthesis that is not closed: the value is what is left
            pairs.add(new KeyValuePair(
                    scanner.key(),
                    argument.substring(argument.indexOf(scanner.key() + "(")
                            + scanner.key().length()
                            + 1)));
        }
        return pairs;
    }

    /** The pair itself, if it has a value. */
    KeyValuePair withValue() throws BadArgument {
        if (value.isEmpty()) {
            throw new BadArgument("field " + key + " missing value");
        }
        return this;
    }

    /** The value as an unsigned number of so many bits, 32 at most. */
    int unsigned(int bits) throws BadArgument {
        BigInteger number = StrtollNumber.unsigned(value, bits);
        if (number == null) {
            throw new BadArgument("failed to parse field " + key);
        }
        return number.intValue();
    }
}
