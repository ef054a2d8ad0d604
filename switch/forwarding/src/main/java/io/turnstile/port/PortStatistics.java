package io.turnstile.port;

/**
 * A port's counters, by the names of Interface:statistics (ovs-vswitchd.conf.db(5)). A counter that the device does not
 * have is {@link #UNKNOWN} and shown as such, never as 0.
 */
public record PortStatistics(
        long rxPackets,
        long rxBytes,
        long rxDropped,
        long rxErrors,
        long txPackets,
        long txBytes,
        long txDropped,
        long txErrors,
        long collisions,
        long rxFrameErrors,
        long rxOverErrors,
        long rxCrcErrors,
        long rxMissedErrors,
        long rxMulticastPackets) {
    public static final long UNKNOWN = -1;

    /** Of a port that counts nothing else. */
    public static PortStatistics ofTraffic(long rxPackets, long rxBytes, long txPackets, long txBytes) {
        return new PortStatistics(
                rxPackets, rxBytes, UNKNOWN, UNKNOWN, txPackets, txBytes, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
                UNKNOWN, UNKNOWN, UNKNOWN);
    }
}
