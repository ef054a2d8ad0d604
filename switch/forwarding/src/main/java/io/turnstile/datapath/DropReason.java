package io.turnstile.datapath;

/**
 * Every way in which a packet ends without leaving. Each has a counter, shown by {@code coverage/show} and the metrics
 * under its {@link #label()}. A drop without a reason is a bug.
 */
public enum DropReason {
    FLOW_DROP("drop_action_of_pipeline", "the flows say so: no action, or an explicit drop"),
    MALFORMED("datapath_drop_rx_invalid_packet", "the frame has no whole Ethernet header"),
    UPCALL_FAILED("datapath_drop_upcall_error", "the pipeline could not translate the packet"),
    ACTION_FAILED("datapath_drop_action_error", "executing its actions failed unexpectedly; the log says how"),
    RECIRCULATION_LOST("datapath_drop_recirc_error", "its recirculation id is not known any more"),
    RECIRCULATION_DEPTH("datapath_drop_recirc_depth", "it was recirculated more often than the limit allows"),
    TRANSLATION_TOO_DEEP("drop_action_recursion_too_deep", "resubmits nested deeper than 64 or more than 4096 in all"),
    NO_OUTPUT_PORT("datapath_drop_invalid_port", "the port to send it by is gone"),
    HEADROOM("datapath_drop_no_headroom", "no room in front of the frame to push a tag"),
    NAT_EXHAUSTED("conntrack_nat_exhausted", "nat() found no address and port that no other connection has"),
    FRAGMENT_EXPIRED(
            "ipf_stuck_frag_list_expired", "a fragment held for tracking, the rest of whose datagram did not come"),
    FRAGMENT_RESIZED(
            "datapath_drop_fragment_resized",
            "a helper changed the length of a datagram that came in fragments, which fit it no more"),
    TOO_LONG("datapath_drop_too_long", "the frame is longer than a buffer");

    private final String label;
    private final String meaning;

    DropReason(String label, String meaning) {
        this.label = label;
        this.meaning = meaning;
    }

    /** The counter's name. */
    public String label() {
        return label;
    }

    /** One sentence for people. */
    public String meaning() {
        return meaning;
    }
}
