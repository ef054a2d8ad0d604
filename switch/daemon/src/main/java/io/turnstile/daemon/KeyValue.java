package io.turnstile.daemon;

import io.turnstile.pipeline.text.FlowTextException;
import io.turnstile.pipeline.text.KeyValueScanner;
import java.util.ArrayList;
import java.util.List;

/**
 * One {@code key=value} of an argument, which may as well be {@code key:value} or {@code key(value)}.
 *
 * @param value empty if there is none
 */
record KeyValue(String key, String value) {

    /** Those of one argument, separated by commas and blanks. */
    static List<KeyValue> all(String argument) {
        List<KeyValue> fields = new ArrayList<>();
        KeyValueScanner scanner = new KeyValueScanner(argument);
        try {
            while (scanner.next()) {
                fields.add(new KeyValue(scanner.key(), scanner.value()));
            }
        } catch (FlowTextException unbalanced) { // a parenthesis that is not closed: the value is what is left
            fields.add(new KeyValue(
                    scanner.key(),
                    argument.substring(argument.indexOf(scanner.key() + "(")
                            + scanner.key().length()
                            + 1)));
        }
        return fields;
    }
}
