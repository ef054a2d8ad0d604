package io.turnstile.pipeline.flow;

/** What an action does to a packet's outer VLAN tag. */
public enum TagChange {
    NONE,
    /** There is a tag afterwards. */
    PUSHES,
    /** Changes the tag if there is one. */
    CHANGES,
    /** The outer tag is gone afterwards. */
    POPS
}
