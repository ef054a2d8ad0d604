package io.turnstile.datapath;

import static io.turnstile.datapath.SampledWalk.MAX_FLOWS;
import static io.turnstile.datapath.SampledWalk.MAX_TRACKINGS;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.SampledWalk.Tracking;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The trails of one batch: the flows that each packet has met, and what each {@code ct()} has found. Written while
 * somebody watches; packets find their trail by {@link Packet#batchIndex}.
 *
 * <p>Threads: belongs to a forwarding context.
 */
final class Trails {
    private static final int ETHER_TYPE_OFFSET = 12;
    /** Of a packet that has met its connection as every further one will. */
    private static final int STATES = CtState.NEW | CtState.EST | CtState.INV;

    private final Packet[] packets = new Packet[PacketBatch.CAPACITY];
    private final int[] tags = new int[PacketBatch.CAPACITY];
    private final DatapathFlow[] flows = new DatapathFlow[PacketBatch.CAPACITY * MAX_FLOWS];
    private final int[] flowsLength = new int[PacketBatch.CAPACITY];
    private final long[] connections = new long[PacketBatch.CAPACITY * MAX_TRACKINGS];
    private final int[] states = new int[PacketBatch.CAPACITY * MAX_TRACKINGS];
    private final int[] trackingsLength = new int[PacketBatch.CAPACITY];
    private int length;

    /** Parsed packets, as they have come in. */
    void begin(PacketBatch batch) {
        length = batch.length();
        for (int i = 0; i < length; i++) {
            Packet packet = batch.get(i);
            packet.setBatchIndex(i);
            packets[i] = packet;
            tags[i] = packet.vlanTci() == 0 ? 0 : packet.u32(ETHER_TYPE_OFFSET);
            flowsLength[i] = 0;
            trackingsLength[i] = 0;
        }
    }

    void met(DatapathFlow flow, PacketBatch batch) {
        for (int i = 0; i < batch.length(); i++) {
            int index = batch.get(i).batchIndex();
            if (flowsLength[index] < MAX_FLOWS) {
                flows[index * MAX_FLOWS + flowsLength[index]++] = flow;
            }
        }
    }

    /** A {@code ct()} has seen these packets. */
    void tracked(PacketBatch batch) {
        for (int i = 0; i < batch.length(); i++) {
            Packet packet = batch.get(i);
            int index = packet.batchIndex();
            if (trackingsLength[index] < MAX_TRACKINGS) {
                int at = index * MAX_TRACKINGS + trackingsLength[index]++;
                connections[at] = packet.ctConnection();
                states[at] = packet.ctState();
            }
        }
    }

    /** The batch is over: walks that the watcher wants are handed to it. */
    void report(WalkWatcher watcher) {
        for (int i = 0; i < length; i++) {
            int first = i * MAX_TRACKINGS;
            if (trackingsLength[i] > 0 && connections[first] != Conntrack.NO_CONNECTION) {
                boolean reply = (states[first] & CtState.RPL) != 0;
                if ((states[first] & STATES) == CtState.EST
                        && !isErrorOfAnother(packets[i], states[first])
                        && watcher.claims(connections[first], reply)) {
                    watcher.walked(sample(i, connections[first], reply));
                }
            }
            packets[i] = null;
        }
        Arrays.fill(flows, 0, length * MAX_FLOWS, null);
        length = 0;
    }

    /** An ICMP error bears the connection that it is about. */
    private static boolean isErrorOfAnother(Packet packet, int state) {
        return (state & CtState.REL) != 0
                && (packet.ipProtocol() == IpProtocols.ICMP || packet.ipProtocol() == IpProtocols.ICMPV6);
    }

    private SampledWalk sample(int index, long connectionId, boolean reply) {
        List<Tracking> trackings = new ArrayList<>(trackingsLength[index]);
        for (int i = 0; i < trackingsLength[index]; i++) {
            int at = index * MAX_TRACKINGS + i;
            trackings.add(new Tracking(connections[at], states[at]));
        }
        int from = index * MAX_FLOWS;
        return new SampledWalk(
                connectionId,
                reply,
                packets[index].inPort(),
                tags[index],
                Arrays.asList(flows).subList(from, from + flowsLength[index]),
                trackings);
    }
}
