package io.turnstile.pipeline;

/** What becomes of packets that no flow of a table matches (OFPT_TABLE_MOD of OpenFlow 1.1 and 1.2). */
public enum TableMiss {
    /** Nothing was said: they are for the controllers of OpenFlow before 1.3, if there are any. */
    DEFAULT,
    CONTROLLER,
    /** The next table is looked up. */
    CONTINUE,
    DROP
}
