package io.turnstile.pipeline;

/** What controllers are told of a table (OFPTR_*, OpenFlow 1.5.1 §7.4.5). */
public enum TableStatusReason {
    VACANCY_DOWN(3),
    VACANCY_UP(4);

    private final int number;

    TableStatusReason(int number) {
        this.number = number;
    }

    /** The number on the wire. */
    public int number() {
        return number;
    }
}
