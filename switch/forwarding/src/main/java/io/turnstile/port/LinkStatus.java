package io.turnstile.port;

/**
 * What the device says of itself.
 *
 * @param adminUp IFF_UP
 * @param carrier IFF_RUNNING / lower layer up
 * @param macAddress 48 bits
 * @param mtuBytes largest layer-3 packet
 * @param ifIndex 0 if the device has none (dummy)
 * @param speedMbps 0 if not known
 * @param carrierChanges how often the carrier came or went since the port was opened
 */
public record LinkStatus(
        boolean adminUp,
        boolean carrier,
        long macAddress,
        int mtuBytes,
        int ifIndex,
        long speedMbps,
        long carrierChanges) {}
