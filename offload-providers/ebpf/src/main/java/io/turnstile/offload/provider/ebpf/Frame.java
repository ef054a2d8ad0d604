package io.turnstile.offload.provider.ebpf;

/** Where things are in the frames that are carried: Ethernet, IPv4 without options or IPv6 without extensions. */
final class Frame {
    static final int ETH_DST = 0;
    static final int ETH_SRC = 6;
    static final int IP = 14;

    static final int IPV4_LENGTH = IP + 2;
    static final int IPV4_FRAGMENT = IP + 6;
    static final int IPV4_TTL = IP + 8;
    static final int IPV4_PROTOCOL = IP + 9;
    static final int IPV4_CHECKSUM = IP + 10;
    static final int IPV4_SOURCE = IP + 12;
    static final int IPV4_DESTINATION = IP + 16;
    static final int IPV4_HEADER_BYTES = 20;
    static final int IPV4_TRANSPORT = IP + IPV4_HEADER_BYTES;

    static final int IPV6_LENGTH = IP + 4;
    static final int IPV6_PROTOCOL = IP + 6;
    static final int IPV6_TTL = IP + 7;
    static final int IPV6_SOURCE = IP + 8;
    static final int IPV6_DESTINATION = IP + 24;
    static final int IPV6_HEADER_BYTES = 40;
    static final int IPV6_TRANSPORT = IP + IPV6_HEADER_BYTES;

    // from the start of the transport's header
    static final int PORTS_BYTES = 4;
    static final int TCP_OFFSET_AND_FLAGS = 12;
    static final int TCP_CHECKSUM = 16;
    static final int TCP_HEADER_BYTES = 20;
    static final int UDP_LENGTH = 4;
    static final int UDP_CHECKSUM = 6;
    static final int UDP_HEADER_BYTES = 8;

    static final int ETHERTYPE_IPV4 = 0x0800;
    static final int ETHERTYPE_IPV6 = 0x86dd;
    static final int ETHERTYPE_VLAN = 0x8100;
    static final int TCP = 6;
    static final int UDP = 17;

    private Frame() {}
}
