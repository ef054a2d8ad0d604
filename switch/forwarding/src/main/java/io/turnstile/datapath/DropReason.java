package io.turnstile.datapath;

/**
 * Every way in which a packet ends without leaving. Each has a counter, shown by {@code coverage/show} and the metrics
 * under its {@link #label()}. A drop without a reason is a bug.
 */
public enum DropReason {
    /** The flows say so: no action, or an explicit drop. */
    FLOW_DROP("drop_action_of_pipeline"),
    /** NORMAL: the Port that it came in by does not carry the VLAN of its outer tag. */
    VLAN_REFUSED("normal_drop_vlan_not_of_port"),
    /** NORMAL: its Ethernet type is a tag's, and no whole tag is there. */
    VLAN_PARTIAL("normal_drop_partial_vlan_tag"),
    /** NORMAL: it is for an address that bridges do not pass on. */
    RESERVED_DESTINATION("normal_drop_reserved_destination"),
    /** A label was to be pushed onto a stack, or popped off one, of more than {@link LabelStack#ENTRIES}. */
    TOO_MANY_LABELS("drop_action_too_many_mpls_labels"),
    /** A header was to be put in front of, or taken off, a packet of a type for which that cannot be. */
    UNSUPPORTED_PACKET_TYPE("drop_action_unsupported_packet_type"),
    /** The frame has no whole Ethernet header. */
    MALFORMED("datapath_drop_rx_invalid_packet"),
    /** The pipeline could not translate the packet. */
    UPCALL_FAILED("datapath_drop_upcall_error"),
    /** Executing its actions failed unexpectedly; the log says how. */
    ACTION_FAILED("datapath_drop_action_error"),
    /** Its recirculation id is not known any more. */
    RECIRCULATION_LOST("datapath_drop_recirc_error"),
    /** It was recirculated more often than the limit allows. */
    RECIRCULATION_DEPTH("datapath_drop_recirc_depth"),
    /** Tables or groups nested deeper than 64. */
    TRANSLATION_TOO_DEEP("drop_action_recursion_too_deep"),
    /** More than 4096 tables and groups in one walk. */
    TOO_MANY_RESUBMITS("drop_action_too_many_resubmit"),
    /** More on the stack than 64 kB. */
    STACK_TOO_DEEP("drop_action_stack_too_deep"),
    /** The port to send it by is gone. */
    NO_OUTPUT_PORT("datapath_drop_invalid_port"),
    /** A meter's rate was exceeded. */
    METERED("datapath_drop_meter"),
    /** No room in front of the frame to push a tag. */
    HEADROOM("datapath_drop_no_headroom"),
    /** {@code nat()} found no address and port that no other connection has. */
    NAT_EXHAUSTED("conntrack_nat_exhausted"),
    /** A fragment held for tracking, the rest of whose datagram did not come. */
    FRAGMENT_EXPIRED("ipf_stuck_frag_list_expired"),
    /** A helper changed the length of a datagram that came in fragments, which fit it no more. */
    FRAGMENT_RESIZED("datapath_drop_fragment_resized"),
    /** The frame is longer than a buffer. */
    TOO_LONG("datapath_drop_too_long");

    private final String label;

    DropReason(String label) {
        this.label = label;
    }

    /** The counter's name. */
    public String label() {
        return label;
    }
}
