package io.turnstile.port.linux;

/**
 * An event of a network device: it appeared, changed or went.
 *
 * @param present false if the device is gone: deleted, or moved to another network namespace
 * @param adminUp IFF_UP
 * @param carrier IFF_RUNNING
 * @param macAddress 48 bits, 0 if the device has no Ethernet address
 */
public record LinkChange(
        String device, int ifIndex, boolean present, boolean adminUp, boolean carrier, long macAddress, int mtuBytes) {}
