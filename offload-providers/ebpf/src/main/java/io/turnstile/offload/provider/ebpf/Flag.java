package io.turnstile.offload.provider.ebpf;

/** What is to be done to a frame: bits of {@link PathValue#FLAGS} and {@link Slot#FLAGS}. */
final class Flag {
    static final int SET_ETH_DST = 1;
    static final int SET_ETH_SRC = 1 << 1;
    /** The first four bytes of the IP header: TOS, or traffic class and flow label. */
    static final int SET_FIRST_WORD = 1 << 2;

    static final int SET_TTL = 1 << 3;
    static final int SET_ADDRESSES = 1 << 4;
    static final int SET_PORTS = 1 << 5;
    static final int SET_TAG = 1 << 6;
    static final int SET_MARK = 1 << 7;
    static final int SET_PRIORITY = 1 << 8;
    /** Of a slot: the header is written at all; each of the first six asks for it. */
    static final int WRITE_HEADER = 1 << 9;

    static final int IPV6 = 1 << 10;
    /** Of a slot: the frame has a tag that goes. */
    static final int POP_TAG = 1 << 11;
    /** Of a slot: the frame gets a tag. */
    static final int PUSH_TAG = 1 << 12;

    /**
     * Of a path: frames may be carried before they are packets; {@link #XDP_FRAGMENTS}: those of several buffers, too.
     */
    static final int XDP = 1 << 13;

    static final int XDP_FRAGMENTS = 1 << 14;

    /** Of these each changes bytes of the header. */
    static final int HEADER_CHANGES = SET_ETH_DST | SET_ETH_SRC | SET_FIRST_WORD | SET_TTL | SET_ADDRESSES | SET_PORTS;
    /** Of these each changes what the checksum of an IPv4 header is over. */
    static final int IP_CHANGES = SET_FIRST_WORD | SET_TTL | SET_ADDRESSES;

    private Flag() {}
}
