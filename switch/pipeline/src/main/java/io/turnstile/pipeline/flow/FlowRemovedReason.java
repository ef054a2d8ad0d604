package io.turnstile.pipeline.flow;

/** Why a flow ended (OFPRR_*, OpenFlow 1.3.5 §7.4.2); the numbers are the same in all versions that have the reason. */
public enum FlowRemovedReason {
    IDLE_TIMEOUT(0),
    HARD_TIMEOUT(1),
    DELETE(2),
    GROUP_DELETE(3),
    METER_DELETE(4),
    /** It went for another one (OpenFlow 1.4.0 §6.5). */
    EVICTION(5);

    private final int number;

    FlowRemovedReason(int number) {
        this.number = number;
    }

    /** The number on the wire. */
    public int number() {
        return number;
    }
}
