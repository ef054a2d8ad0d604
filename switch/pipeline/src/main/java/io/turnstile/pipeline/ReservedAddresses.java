package io.turnstile.pipeline;

/** The destination addresses that a bridge does not pass on unless {@code other_config:forward-bpdu} says so. */
final class ReservedAddresses {
    private ReservedAddresses() {}

    static boolean contains(long macAddress) {
        return (macAddress & ~0xfL) == 0x0180_c200_0000L // IEEE 802.1Q §8.6.3: spanning tree, pause, LACP, LLDP …
                || (macAddress & ~0x7L) == 0x0100_0ccc_ccc0L // Cisco's connectivity checks
                || isVendors(macAddress);
    }

    private static boolean isVendors(long macAddress) {
        return macAddress == 0x00e0_2b00_0000L // Extreme: EDP
                || macAddress == 0x00e0_2b00_0004L // EAPS
                || macAddress == 0x00e0_2b00_0006L
                || macAddress == 0x0100_0c00_0000L // Cisco: ISL
                || macAddress == 0x0100_0ccc_ccccL // PAgP, UDLD, CDP, DTP, VTP
                || macAddress == 0x0100_0ccc_cccdL // PVST+
                || macAddress == 0x0100_0ccd_cdcdL; // STP Uplink Fast, FlexLink
    }
}
