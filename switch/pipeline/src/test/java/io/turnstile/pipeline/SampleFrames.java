package io.turnstile.pipeline;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;

/** The packets that most tests of the pipeline send. */
final class SampleFrames {
    static final long MAC_A = 0x0200_0000_000aL;
    static final long MAC_B = 0x0200_0000_000bL;
    private static final String FLOW = "10.0.0.1:1000 > 10.0.0.2:2000";

    private SampleFrames() {}

    static Frame udp() {
        return Frames.udp(FLOW);
    }

    /** A question to a name server, from A to B. */
    static Frame dns() {
        return datagram("10.0.0.1:1000 > 10.0.0.2:53");
    }

    /** A datagram of a few bytes from A to B, whatever its addresses. */
    static Frame datagram(String sourceToDestination) {
        return Frames.udp(sourceToDestination).eth(MAC_A, MAC_B).payload(3);
    }

    static Frame tcp() {
        return tcp(FLOW);
    }

    /** A segment in the middle of a connection. */
    static Frame tcp(String sourceToDestination) {
        return Frames.tcp(sourceToDestination).ack().seq(1).ackNumber(1);
    }
}
