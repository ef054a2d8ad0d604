package io.turnstile.datapath;

/** What came of a flow that somebody wanted to put in. */
public enum FlowPut {
    DONE,
    /** A flow with that match is there already. */
    EXISTS,
    /** There is no flow with that match to be changed. */
    NOT_FOUND
}
