package io.turnstile.openflow;

/**
 * Which messages a connection wants unasked, by reason bit; index 0 for master and equal, 1 for slave (OpenFlow 1.3.5
 * §6.3.5 and §7.3.10).
 */
final class AsyncMasks {
    static final int MASTER = 0;
    static final int SLAVE = 1;

    final int[] packetIn = {0, 0};
    final int[] portStatus = {0, 0};
    final int[] flowRemoved = {0, 0};

    /** What a controller gets that has asked for nothing. A tool on the management socket gets nothing at all. */
    static AsyncMasks standard() {
        AsyncMasks masks = new AsyncMasks();
        masks.packetIn[MASTER] = 0b111011; // all but invalid TTL
        masks.portStatus[MASTER] = 0b111;
        masks.portStatus[SLAVE] = 0b111;
        masks.flowRemoved[MASTER] = 0b1111;
        return masks;
    }

    static boolean wants(int[] masks, Role role, int reason) {
        return (masks[role == Role.SLAVE ? SLAVE : MASTER] & 1 << reason) != 0;
    }
}
