package io.turnstile.pipeline.flow;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Actions of ovs-actions(7) that this switch refuses by name. Their standard types stand here too, since Open vSwitch
 * knows these and therefore complains of their length before anything else, and Nicira's form of group; other subtypes
 * of vendors are answered like unknown ones.
 */
public enum UnsupportedAction {
    DELETE_FIELD("delete_field"),
    DEBUG_RECIRC("debug_recirc"),
    DEBUG_SLOW("debug_slow"),
    UNROLL_XLATE("unroll_xlate");

    private static final Map<String, UnsupportedAction> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toMap(UnsupportedAction::label, Function.identity()));

    private final String label;
    private final List<ActionForm> forms;

    UnsupportedAction(String label, ActionForm... forms) {
        this.label = label;
        this.forms = List.of(forms);
    }

    /** The name in ovs-actions(7), in lower case. */
    public String label() {
        return label;
    }

    /** Those whose length is looked at. */
    public List<ActionForm> forms() {
        return forms;
    }

    static boolean isNamed(String keyword) {
        return BY_NAME.containsKey(keyword);
    }
}
