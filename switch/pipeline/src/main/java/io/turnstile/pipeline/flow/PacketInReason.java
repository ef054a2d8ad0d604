package io.turnstile.pipeline.flow;

import java.util.Optional;

/** Why a packet goes to the controllers (OpenFlow 1.4 §7.4.1, {@code reason=} of ovs-actions(7) controller). */
public enum PacketInReason {
    NO_MATCH(0, "no_match"),
    ACTION(1, "action"),
    INVALID_TTL(2, "invalid_ttl"),
    ACTION_SET(3, "action_set"),
    GROUP(4, "group"),
    PACKET_OUT(5, "packet_out");

    private static final PacketInReason[] BY_NUMBER = values();

    private final int number;
    private final String label;

    PacketInReason(int number, String label) {
        this.number = number;
        this.label = label;
    }

    /** The number in OpenFlow 1.4 and later, and in Nicira's messages and actions. */
    public int number() {
        return number;
    }

    /** The number in OpenFlow 1.0 to 1.3, which have the first three only: what came later was an action there. */
    public int numberBefore14() {
        return switch (this) {
            case NO_MATCH, ACTION, INVALID_TTL -> number;
            case ACTION_SET, GROUP, PACKET_OUT -> ACTION.number;
        };
    }

    /** The name in ovs-actions(7). */
    public String label() {
        return label;
    }

    /** The reason of that {@link #number}, if there is one. */
    public static Optional<PacketInReason> of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? Optional.of(BY_NUMBER[number]) : Optional.empty();
    }

    /** The reason of that {@link #label}, if there is one. */
    public static Optional<PacketInReason> named(String label) {
        for (PacketInReason reason : BY_NUMBER) {
            if (reason.label.equals(label)) {
                return Optional.of(reason);
            }
        }
        return Optional.empty();
    }
}
