package io.turnstile.pipeline;

/**
 * Whether a packet that leaves a Port outside of any VLAN keeps its priority, in a tag of VLAN 0:
 * {@code Port:other_config:priority-tags}.
 */
public enum PriorityTags {
    NEVER,
    /** If the priority is not 0. */
    IF_NONZERO,
    /** Also a tag that the packet has had, whose priority is 0. */
    ALWAYS;

    /** As the database has it; what is none of these words means never. */
    public static PriorityTags named(String text) {
        return switch (text) {
            case "if-nonzero", "true" -> IF_NONZERO;
            case "always" -> ALWAYS;
            default -> NEVER;
        };
    }
}
