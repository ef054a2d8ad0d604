package io.turnstile.port.linux;

/**
 * News of a network device.
 *
 * @param present false if the device is gone: deleted, or moved to another network namespace
 * @param adminUp IFF_UP
 * @param carrier IFF_RUNNING
 * @param macAddress 48 bits, 0 if the device has no Ethernet address
 */
public record LinkChange(
        String device, int ifIndex, boolean present, boolean adminUp, boolean carrier, long macAddress, int mtuBytes) {}
