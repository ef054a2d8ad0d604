package io.turnstile.port;

/**
 * A transmit queue of a port, with its counters. One that the device does not have is {@link PortStatistics#UNKNOWN}.
 *
 * @param id as {@code set_queue} names it
 */
public record PortQueue(int id, long txBytes, long txPackets, long txErrors) {

    /** Of a device that counts nothing by queue. */
    public static PortQueue uncounted(int id) {
        return new PortQueue(id, PortStatistics.UNKNOWN, PortStatistics.UNKNOWN, PortStatistics.UNKNOWN);
    }
}
