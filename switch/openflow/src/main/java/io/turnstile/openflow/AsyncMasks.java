package io.turnstile.openflow;

import io.turnstile.pipeline.PortStatusReason;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.PacketInReason;

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
        for (PacketInReason reason : PacketInReason.values()) {
            masks.packetIn[MASTER] |= reason == PacketInReason.INVALID_TTL ? 0 : 1 << reason.number();
        }
        for (PortStatusReason reason : PortStatusReason.values()) {
            masks.portStatus[MASTER] |= 1 << reason.number();
            masks.portStatus[SLAVE] |= 1 << reason.number();
        }
        for (FlowRemovedReason reason : FlowRemovedReason.values()) {
            masks.flowRemoved[MASTER] |= 1 << reason.number();
        }
        return masks;
    }

    static boolean wants(int[] masks, Role role, int reason) {
        return (masks[role == Role.SLAVE ? SLAVE : MASTER] & 1 << reason) != 0;
    }
}
