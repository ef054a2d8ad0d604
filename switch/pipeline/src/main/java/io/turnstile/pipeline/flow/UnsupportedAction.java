package io.turnstile.pipeline.flow;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Actions of ovs-actions(7) that this switch refuses by name. On the wire all are subtypes of vendors, and answered
 * like unknown ones.
 */
public enum UnsupportedAction {
    DELETE_FIELD("delete_field"),
    UNROLL_XLATE("unroll_xlate");

    private static final Map<String, UnsupportedAction> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toMap(UnsupportedAction::label, Function.identity()));

    private final String label;

    UnsupportedAction(String label) {
        this.label = label;
    }

    /** The name in ovs-actions(7), in lower case. */
    public String label() {
        return label;
    }

    static boolean isNamed(String keyword) {
        return BY_NAME.containsKey(keyword);
    }
}
