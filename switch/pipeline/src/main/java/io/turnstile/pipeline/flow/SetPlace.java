package io.turnstile.pipeline.flow;

/**
 * Where in an action set an action runs (OpenFlow 1.3.5 §5.10; the extensions' places as in ovs-actions(7),
 * "write_actions"). The constants stand in the order in which the set runs.
 */
public enum SetPlace {
    /** An action set that holds it is refused. */
    NONE(Rule.REFUSED),
    POP_VLAN(Rule.LAST_OF_ITS_PLACE),
    POP_MPLS(Rule.LAST_OF_ITS_PLACE),
    DECAP(Rule.LAST_OF_ITS_PLACE),
    ENCAP(Rule.LAST_OF_ITS_PLACE),
    PUSH_MPLS(Rule.LAST_OF_ITS_PLACE),
    PUSH_VLAN(Rule.LAST_OF_ITS_PLACE),
    DEC_TTL(Rule.LAST_OF_ITS_PLACE),
    DEC_MPLS_TTL(Rule.LAST_OF_ITS_PLACE),
    DEC_NSH_TTL(Rule.LAST_OF_ITS_PLACE),
    SET_FIELD(Rule.ALL_AS_WRITTEN),
    /** Taken into a set and not run by it. */
    IDLE(Rule.IGNORED),
    CT(Rule.WAY_OUT),
    RESUBMIT(Rule.WAY_OUT),
    OUTPUT(Rule.WAY_OUT),
    GROUP(Rule.WAY_OUT);

    /** How many of the actions of one place run. */
    public enum Rule {
        REFUSED,
        IGNORED,
        /** The last one written. */
        LAST_OF_ITS_PLACE,
        /** Each of them, in the order written. */
        ALL_AS_WRITTEN,
        /** The last one of the last of these places; without any of these, nothing of the set runs. */
        WAY_OUT
    }

    private final Rule rule;

    SetPlace(Rule rule) {
        this.rule = rule;
    }

    public Rule rule() {
        return rule;
    }
}
