package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.DESTINATION_HIGH;
import static io.turnstile.conntrack.EntryLayout.DESTINATION_LOW;
import static io.turnstile.conntrack.EntryLayout.REPLY;
import static io.turnstile.conntrack.EntryLayout.REPLY_PORTS;
import static io.turnstile.conntrack.EntryLayout.SOURCE_HIGH;
import static io.turnstile.conntrack.EntryLayout.SOURCE_LOW;

import io.turnstile.packet.Packet;

/**
 * Translates packets of a translated connection as its two tuples say: a packet of the original direction leaves with
 * the reply tuple turned round, one of the reply direction with the original tuple turned round.
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
     * @return the bits to be added to its state
     */
    static int apply(Packet packet, EntryTable entries, long entry, boolean reply, boolean error) {
        long extension = entries.extensionOf(entry);
        int state = stateOf(OffHeap.getInt(extension + EntryLayout.NAT), reply);
        if (reply) {
            reversedOriginal(packet, entry, extension, state, error);
        } else {
            long at = extension + REPLY;
            int ports = OffHeap.getInt(extension + REPLY_PORTS);
            rewrite(
                    packet,
                    state,
                    error,
                    OffHeap.getLong(at + DESTINATION_HIGH),
                    OffHeap.getLong(at + DESTINATION_LOW),
                    ports & 0xffff,
                    OffHeap.getLong(at + SOURCE_HIGH),
                    OffHeap.getLong(at + SOURCE_LOW),
                    ports >>> 16);
        }
        return state;
    }

    private static void reversedOriginal(Packet packet, long entry, long extension, int state, boolean error) {
        int ports = OffHeap.getInt(entry + EntryLayout.PORTS);
        if (EntryLayout.ipv6(OffHeap.getInt(entry + EntryLayout.KIND))) {
            rewrite(
                    packet,
                    state,
                    error,
                    OffHeap.getLong(extension + DESTINATION_HIGH),
                    OffHeap.getLong(extension + DESTINATION_LOW),
                    ports & 0xffff,
                    OffHeap.getLong(extension + SOURCE_HIGH),
                    OffHeap.getLong(extension + SOURCE_LOW),
                    ports >>> 16);
        } else {
            long addresses = OffHeap.getLong(entry + EntryLayout.ADDRESSES);
            rewrite(
                    packet,
                    state,
                    error,
                    0,
                    addresses & 0xffff_ffffL,
                    ports & 0xffff,
                    0,
                    addresses >>> 32,
                    ports >>> 16);
        }
    }

    private static void rewrite(
            Packet packet,
            int state,
            boolean error,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort) {
        if (!error) {
            NatRewrite.direct(
                    packet, sourceHigh, sourceLow, sourcePort, destinationHigh, destinationLow, destinationPort);
        } else if (state == CtState.SNAT) {
            NatRewrite.errorSource(
                    packet, sourceHigh, sourceLow, sourcePort, destinationHigh, destinationLow, destinationPort);
        } else {
            NatRewrite.errorDestination(
                    packet, sourceHigh, sourceLow, sourcePort, destinationHigh, destinationLow, destinationPort);
        }
    }
}
