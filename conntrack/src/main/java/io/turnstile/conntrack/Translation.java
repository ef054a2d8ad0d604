package io.turnstile.conntrack;

import io.turnstile.packet.Packet;

/**
 * The translation changes packets of a translated connection as its two tuples say: a packet of the original direction
 * leaves with the reversed reply tuple, one of the reply direction with the reversed original tuple.
 *
 * <p>Threads: stateless; the entry is locked by the caller.
 */
final class Translation {
    /** Values of {@link EntryLayout#NAT}. */
    static final int NAT_SOURCE = 1;

    static final int NAT_DESTINATION = 2;

    private Translation() {}

    /** What was done to a packet of that direction, as bits of {@link CtState}. */
    private static int stateOf(int natFlags, boolean reply) {
        return (natFlags == NAT_SOURCE) != reply ? CtState.SNAT : CtState.DNAT;
    }

    /**
     * Translates the packet.
     *
     * @param error it is an ICMP error of the connection: the packet that it quotes is translated with it
     * @param leaving scratch, for the tuple in which the packet leaves
     * @return the bits to be added to its state
     */
    static int apply(Packet packet, EntryTable entries, long entry, boolean reply, boolean error, Tuple leaving) {
        long extension = entries.extensionOf(entry);
        int state = stateOf(OffHeap.getInt(extension + EntryLayout.NAT), reply);
        if (reply) {
            leaving.readOriginal(entry, extension);
        } else {
            leaving.readTranslatedReply(entry, extension);
        }
        leaving.reverse();
        if (!error) {
            NatRewrite.direct(packet, leaving);
        } else if (state == CtState.SNAT) {
            NatRewrite.errorSource(packet, leaving);
        } else {
            NatRewrite.errorDestination(packet, leaving);
        }
        return state;
    }
}
