package io.turnstile.datapath;

import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.port.GsoSegmenter;
import io.turnstile.port.Port;

/**
 * Sends the beginning of a frame. What stands for many frames is cut into these first, each of which is truncated.
 *
 * <p>Threads: stateless.
 */
final class TruncatedOutput {
    private TruncatedOutput() {}

    /**
     * @param maxBytes unsigned
     * @param scratch what the packet is copied to; the packet itself stays as it is
     */
    static void send(Packet packet, int maxBytes, Packet scratch, Port port) {
        if (packet.segmentBytes() != 0) {
            GsoSegmenter.forEachSegment(packet, segment -> cutAndSend(segment, maxBytes, port));
        } else if (Integer.compareUnsigned(packet.lengthBytes(), maxBytes) <= 0) {
            port.send(packet);
        } else {
            scratch.copyFrom(packet);
            if (scratch.checksumState() == Packet.ChecksumState.PARTIAL) {
                InternetChecksum.complete(scratch); // while all that it covers is there
            }
            cutAndSend(scratch, maxBytes, port);
        }
    }

    private static void cutAndSend(Packet packet, int maxBytes, Port port) {
        if (Integer.compareUnsigned(packet.lengthBytes(), maxBytes) > 0) {
            packet.truncate(maxBytes);
        }
        port.send(packet);
    }
}
