package io.turnstile.conntrack;

/**
 * Protocols without a handshake: UDP, ICMP queries and everything unknown. A connection is new until something comes back.
 *
 * <p>Threads: under the entry's lock.
 */
final class SimpleProtocol {
    private static final int FIRST = 0;
    private static final int MULTIPLE = 1;
    private static final int BIDIRECTIONAL = 2;

    private SimpleProtocol() {
    }

    static void begin(Entries entries, int slot, boolean icmp) {
        entries.setSimpleState(slot, FIRST);
        entries.setTimeoutClass(slot, icmp ? TimeoutClass.ICMP_FIRST : TimeoutClass.OTHER_FIRST);
    }

    static TrackVerdict update(Entries entries, int slot, boolean icmp, boolean reply) {
        int state = entries.simpleState(slot);
        int next = reply ? BIDIRECTIONAL : state == FIRST ? MULTIPLE : state;
        if (next != state) {
            entries.setSimpleState(slot, next);
            entries.setTimeoutClass(slot, icmp ? next == BIDIRECTIONAL ? TimeoutClass.ICMP_REPLY : TimeoutClass.ICMP_FIRST
                    : next == BIDIRECTIONAL ? TimeoutClass.OTHER_BIDIR : TimeoutClass.OTHER_MULTIPLE);
        }
        return next == BIDIRECTIONAL ? TrackVerdict.VALID : TrackVerdict.VALID_NEW;
    }
}
