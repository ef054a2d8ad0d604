package io.turnstile.packet;

/**
 * The two ports that begin the headers of TCP, UDP, UDP-Lite, SCTP and DCCP: their offsets, in bytes from the start.
 *
 * <p>Threads: stateless.
 */
public final class TransportPorts {
    public static final int SOURCE = 0;
    public static final int DESTINATION = 2;
    public static final int BYTES = 4;

    private TransportPorts() {}
}
