package io.turnstile.openflow;

import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.PacketInReason;

/**
 * Which messages a connection wants unasked, by kind of message, role and reason bit (OpenFlow 1.3.5 §6.3.5 and
 * §7.3.10, 1.4.0 §7.3.10).
 */
final class AsyncMasks {
    /** A kind of message that can be masked. The numbers of its properties are two for each, slave's first. */
    enum Kind {
        PACKET_IN(0b111, 0b111111),
        PORT_STATUS(0b111, 0b111),
        FLOW_REMOVED(0b111111, 0b111111),
        ROLE_STATUS(0b111, 0b111),
        TABLE_STATUS(0b11000, 0b11000),
        REQUESTFORWARD(0b11, 0b11);

        private final int reasonsBefore14;
        private final int reasons;

        Kind(int reasonsBefore14, int reasons) {
            this.reasonsBefore14 = reasonsBefore14;
            this.reasons = reasons;
        }

        /** The bits that a mask may have. */
        int reasonsIn(WireVersion version) {
            return version.isAtLeast(WireVersion.OF14) ? reasons : reasonsBefore14;
        }

        /** The type of the property that sets the mask. */
        int property(int role) {
            return 2 * ordinal() + (role == MASTER ? 1 : 0);
        }
    }

    /** Master and equal. */
    static final int MASTER = 0;

    static final int SLAVE = 1;

    private static final int INVALID_TTL = 1 << PacketInReason.INVALID_TTL.number();
    private static final int ACTION = 1 << PacketInReason.ACTION.number();
    private static final int ANY_ACTION = ACTION
            | 1 << PacketInReason.ACTION_SET.number()
            | 1 << PacketInReason.GROUP.number()
            | 1 << PacketInReason.PACKET_OUT.number();

    private final int[][] masks = new int[Kind.values().length][2];

    /** Wants nothing at all. */
    AsyncMasks() {}

    AsyncMasks(AsyncMasks other) {
        for (int i = 0; i < masks.length; i++) {
            masks[i] = other.masks[i].clone();
        }
    }

    /** What a controller gets that has asked for nothing. A tool on the management socket gets nothing at all. */
    static AsyncMasks standard(WireVersion version) {
        AsyncMasks standard = new AsyncMasks();
        standard.set(Kind.PACKET_IN, MASTER, Kind.PACKET_IN.reasons & ~INVALID_TTL);
        standard.set(Kind.PORT_STATUS, MASTER, Kind.PORT_STATUS.reasons);
        standard.set(Kind.PORT_STATUS, SLAVE, Kind.PORT_STATUS.reasons);
        standard.set(Kind.FLOW_REMOVED, MASTER, reasonsOfRemoval(version));
        return standard;
    }

    /** Those that the version has; Open vSwitch does not turn others into them. */
    private static int reasonsOfRemoval(WireVersion version) {
        return switch (version) {
            case OF10, OF11, OF12 -> 0b111;
            case OF13 -> 0b1111;
            case OF14, OF15 -> Kind.FLOW_REMOVED.reasons;
        };
    }

    int get(Kind kind, int role) {
        return masks[kind.ordinal()][role];
    }

    void set(Kind kind, int role, int mask) {
        masks[kind.ordinal()][role] = mask;
    }

    /** The same as a peer of that version says it: bits that its version does not have mean nothing. */
    void setBy(WireVersion version, Kind kind, int role, int mask) {
        int known = mask & kind.reasonsIn(version);
        boolean allActions = kind == Kind.PACKET_IN && !version.isAtLeast(WireVersion.OF14) && (known & ACTION) != 0;
        set(kind, role, allActions ? known | ANY_ACTION : known);
    }

    boolean wants(Kind kind, Role role, int reason) {
        return (get(kind, role == Role.SLAVE ? SLAVE : MASTER) & 1 << reason) != 0;
    }

    /** Whether master and equal are told of packets whose time to live has run out (OFPC_INVALID_TTL_TO_CONTROLLER). */
    boolean wantsInvalidTtl() {
        return (get(Kind.PACKET_IN, MASTER) & INVALID_TTL) != 0;
    }

    void setInvalidTtl(boolean wanted) {
        int others = get(Kind.PACKET_IN, MASTER) & ~INVALID_TTL;
        set(Kind.PACKET_IN, MASTER, wanted ? others | INVALID_TTL : others);
    }
}
