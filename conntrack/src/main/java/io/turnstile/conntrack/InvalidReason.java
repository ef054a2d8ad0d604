package io.turnstile.conntrack;

/** Why a packet became {@code +inv}; each reason has a counter under its {@link #label()}. */
public enum InvalidReason {
    NOT_IP("conntrack_not_ip", "neither IPv4 nor IPv6, or its header is not whole"),
    FRAGMENT("conntrack_fragment", "a fragment: reassembly is not there yet"),
    IP_CHECKSUM("conntrack_l3csum_err", "the IPv4 header's checksum is wrong"),
    TRANSPORT_CHECKSUM("conntrack_l4csum_err", "the TCP, UDP or ICMP checksum is wrong"),
    TRUNCATED("conntrack_truncated", "the transport header is cut short or contradicts itself"),
    ICMP_TYPE("conntrack_icmp_type", "an ICMP message that neither asks, answers nor reports an error"),
    QUOTE("conntrack_icmp_quote", "an ICMP error that quotes nothing it could be about"),
    NO_CONNECTION("conntrack_no_connection", "an ICMP error about no connection that we know"),
    NOT_A_BEGINNING("conntrack_not_a_beginning", "no connection begins like this"),
    STATE("conntrack_state", "not a packet that its connection can have now: flags, sequence or window"),
    FULL("conntrack_full", "the table is full");

    private final String label;
    private final String meaning;

    InvalidReason(String label, String meaning) {
        this.label = label;
        this.meaning = meaning;
    }

    public String label() {
        return label;
    }

    public String meaning() {
        return meaning;
    }
}
