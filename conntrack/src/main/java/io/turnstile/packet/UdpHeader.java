package io.turnstile.packet;

/**
 * The headers of UDP (RFC 768) and UDP-Lite (RFC 3828 §3.1): offsets of their fields, in bytes from the start. UDP-Lite
 * has its checksum's coverage where UDP has the length.
 *
 * <p>Threads: stateless.
 */
public final class UdpHeader {
    public static final int LENGTH = 4;
    public static final int LITE_COVERAGE = 4;
    public static final int CHECKSUM = 6;
    public static final int BYTES = PacketParser.UDP_BYTES;

    private UdpHeader() {}
}
