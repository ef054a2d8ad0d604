package io.turnstile.pipeline.flow;

import java.util.Optional;

/** Why a packet goes to the controllers (OpenFlow 1.4 §7.4.1, {@code reason=} of ovs-actions(7) controller). */
public enum PacketInReason {
    NO_MATCH(0, "no_match"),
    ACTION(1, "action"),
    INVALID_TTL(2, "invalid_ttl"),
    ACTION_SET(3, "action_set"),
    GROUP(4, "group"),
    PACKET_OUT(5, "packet_out"),
    /** The controller action of a table-miss flow; OpenFlow before 1.3 has no such flows. */
    EXPLICIT_MISS(0, "no_match"),
    /** No flow at all, which only those hear of who speak a version before 1.3. */
    IMPLICIT_MISS(0, "no_match");

    private static final PacketInReason[] BY_NUMBER = {NO_MATCH, ACTION, INVALID_TTL, ACTION_SET, GROUP, PACKET_OUT};

    private final int number;
    private final String label;

    PacketInReason(int number, String label) {
        this.number = number;
        this.label = label;
    }

    /** The number in OpenFlow 1.4 and later, and in Nicira's actions. */
    public int number() {
        return number;
    }

    /**
     * The number that a packet-in says: what came with a later version was an action before.
     *
     * @param version the first byte of messages: {@link ActionForm#OF10}
     */
    public int numberIn(int version) {
        return switch (this) {
            case NO_MATCH, ACTION, INVALID_TTL, IMPLICIT_MISS -> number;
            case ACTION_SET, GROUP, PACKET_OUT -> version < ActionForm.OF14 ? ACTION.number : number;
            case EXPLICIT_MISS -> version < ActionForm.OF13 ? ACTION.number : number;
        };
    }

    /** The bit that this reason has in the masks of what a connection of that version wants unasked. */
    public int maskBitIn(int version) {
        return this == EXPLICIT_MISS ? number : numberIn(version);
    }

    /** Whether connections of that version are ever told. */
    public boolean isToldTo(int version) {
        return this != IMPLICIT_MISS || version < ActionForm.OF13;
    }

    /** The name in ovs-actions(7). */
    public String label() {
        return label;
    }

    /** The reason of that {@link #number} that an action may name, if there is one. */
    public static Optional<PacketInReason> of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? Optional.of(BY_NUMBER[number]) : Optional.empty();
    }

    /** The reason of that {@link #label} that an action may name, if there is one. */
    public static Optional<PacketInReason> named(String label) {
        for (PacketInReason reason : BY_NUMBER) {
            if (reason.label.equals(label)) {
                return Optional.of(reason);
            }
        }
        return Optional.empty();
    }
}
