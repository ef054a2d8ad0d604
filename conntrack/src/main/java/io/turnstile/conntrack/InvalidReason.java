package io.turnstile.conntrack;

/**
 * Why the tracker calls a packet invalid ({@code +inv}). Each has a counter, {@link ConntrackControl#invalid}, and a
 * name in {@code coverage/show}: Open vSwitch's where that counts the same.
 */
public enum InvalidReason {
    NOT_IP(
            "conntrack_inv_not_ip",
            "The frame carries no IPv4 or IPv6 header, or one that contradicts itself or the frame."),
    NO_TRANSPORT("conntrack_inv_no_l4", "The transport header is cut short, or too many extension headers precede it."),
    FRAGMENT("conntrack_inv_fragment", "The packet is a fragment that reassembly did not take."),
    L3_CHECKSUM("conntrack_l3csum_err", "The IPv4 header's checksum is wrong."),
    L4_LENGTH("conntrack_inv_l4_length", "The transport header's lengths contradict the packet's."),
    L4_CHECKSUM("conntrack_l4csum_err", "The transport checksum is wrong."),
    ZERO_PORT("conntrack_inv_zero_port", "A port is 0."),
    ICMP_TYPE(
            "conntrack_inv_icmp_type",
            "The ICMP message is no question, no answer, no error and none of the link's, or has an unknown code."),
    ICMP_QUOTE(
            "conntrack_inv_icmp_quote",
            "The ICMP error quotes too little of a packet, or nothing that could be tracked."),
    ICMP_QUOTE_SENDER(
            "conntrack_inv_icmp_sender", "The ICMP error quotes a packet that its receiver cannot have sent."),
    ICMP_UNRELATED("conntrack_inv_icmp_unrel", "The ICMP error quotes a packet of no known connection."),
    ICMP_UNASKED("conntrack_inv_icmp_unasked", "The ICMP message answers a question that nobody has asked."),
    TCP_FLAGS("conntrack_invalid_tcp_flags", "The TCP flags are a combination that no honest stack sends."),
    TCP_SYN_ACK("conntrack_inv_tcp_syn_ack", "The TCP packet is the SYN|ACK of a connection whose SYN was not seen."),
    TCP_REFUSAL("conntrack_inv_tcp_refusal", "The TCP packet, RST, would refuse a SYN without acknowledging it."),
    TCP_END("conntrack_inv_tcp_end", "The TCP packet, RST or FIN, ends a connection that is not known."),
    TCP_WINDOW("conntrack_tcp_seq_chk_failed", "The TCP packet lies outside its connection's window."),
    SCTP_CHUNKS("conntrack_inv_sctp_chunks", "A chunk of the SCTP packet is malformed or stands where it must not."),
    SCTP_FIRST("conntrack_inv_sctp_first", "The SCTP packet belongs to no known association and cannot begin one."),
    SCTP_TAG("conntrack_inv_sctp_tag", "The SCTP packet's verification tag is not its association's."),
    SCTP_STATE("conntrack_inv_sctp_state", "A chunk of the SCTP packet does not fit its association's state."),
    ALG_ADDRESS("conntrack_inv_alg_address", "The control packet commands a connection to somebody else's address.");

    private final String label;
    private final String sentence;

    InvalidReason(String label, String sentence) {
        this.label = label;
        this.sentence = sentence;
    }

    /** Its name in {@code coverage/show} and in metrics. */
    public String label() {
        return label;
    }

    /** What it means, for people. */
    public String sentence() {
        return sentence;
    }
}
