package io.turnstile.pipeline;

/** What happened to a port (OFPPR_*, OpenFlow 1.3.5 §7.4.3); the numbers are the same in all versions. */
public enum PortStatusReason {
    ADD(0),
    DELETE(1),
    MODIFY(2);

    private final int number;

    PortStatusReason(int number) {
        this.number = number;
    }

    /** The number on the wire. */
    public int number() {
        return number;
    }
}
