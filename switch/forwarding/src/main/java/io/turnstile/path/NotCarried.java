package io.turnstile.path;

/**
 * Why a walk is not offered as a path: in words, and whether what stands in the way may pass by itself, so that another
 * walk is looked at after a pause. Of the rest another one is looked at once the connection or packets' ways have
 * changed ({@link io.turnstile.offload.PathBook#waysChanged}).
 */
enum NotCarried {
    // spotless:off
    MORE_THAN_ONE_OUTPUT ("more than one output",                         true),
    NO_OUTPUT            ("no output",                                    true),
    DROPPED              ("dropped",                                      true),
    TO_CONTROLLER        ("to the controller",                            true),
    METERED              ("flows meter",                                  true),
    TRUNCATED            ("flows truncate packets",                       true),
    TCP_FLAGS            ("flows look at TCP flags",                      true),
    PACKET_LENGTH        ("flows look at the packet's length",            true),
    /** The field's name follows. */
    LOOKS_AT             ("flows look at",                                true),
    /** The field's name follows. */
    WRITES               ("flows write",                                  true),
    MORE_THAN_ONE_TAG    ("more than one VLAN tag",                       true),
    MPLS                 ("an MPLS label stack",                          true),
    /** NSH, and what has no Ethernet header. */
    ENCAPSULATED         ("encapsulated otherwise than by Ethernet",      true),
    /** A path's tags have the TPID 0x8100. */
    SERVICE_TAG          ("a VLAN tag of another type than 0x8100",       false),
    FRAGMENT             ("fragment",                                     true),
    /** Fragments are held at ct() and go on as others; or the packet got lost on its way. */
    UNFINISHED           ("reassembled, or lost on the way",              true),
    NOT_ESTABLISHED      ("connection not established",                   true),
    CONTROL              ("helper's control connection",                  false),
    CONTROL_UNKNOWN      ("helper does not know the connection yet",      true),
    FORCE                ("ct(force) may replace the connection",         true),
    WRITES_CONNECTION    ("flows change the connection's mark or label",  true),
    RULES_CHANGED        ("rules changed meanwhile",                      true),
    /** {@link io.turnstile.datapath.Datapath#setFlowLimit}: without a flow nobody could tell that the way has changed. */
    FLOW_CACHE_FULL      ("flow cache is full",                           true),
    FLOW_FOR_ONE_PACKET  ("flows treat each packet on its own",           true),
    PORT_GONE            ("port gone",                                    true),
    NO_ROOM              ("as many paths as the heap has room for",       true),
    /** What was sampled and what is known of the connections do not fit together: something changed in between. */
    UNEXPECTED           ("walk cannot be retraced",                      true),
    OTHERS_WALK          ("part of another connection's path",            false),
    FAILED               ("could not be summed up, see the log",          false);
    // spotless:on

    private final String text;
    private final boolean mayPass;

    NotCarried(String text, boolean mayPass) {
        this.text = text;
        this.mayPass = mayPass;
    }

    String text() {
        return text;
    }

    /** Whether another walk may be looked at soon. */
    boolean mayPass() {
        return mayPass;
    }
}
