package io.turnstile.packet;

/**
 * The headers of ICMP (RFC 792) and ICMPv6 (RFC 4443 §2.1): offsets of their fields, in bytes from the start.
 *
 * <p>Threads: stateless.
 */
public final class IcmpHeader {
    public static final int TYPE = 0;
    public static final int CODE = 1;
    public static final int CHECKSUM = 2;
    /** Of questions and their answers. */
    public static final int IDENTIFIER = 4;
    /** After these an error quotes what it complains of. */
    public static final int BYTES = PacketParser.ICMP_BYTES;

    private IcmpHeader() {}
}
