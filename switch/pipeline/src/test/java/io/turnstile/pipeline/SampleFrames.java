package io.turnstile.pipeline;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;

/** The packets that most tests of the pipeline send. */
final class SampleFrames {
    private static final String FLOW = "10.0.0.1:1000 > 10.0.0.2:2000";

    private SampleFrames() {}

    static Frame udp() {
        return Frames.udp(FLOW);
    }

    static Frame tcp() {
        return tcp(FLOW);
    }

    /** A segment in the middle of a connection. */
    static Frame tcp(String sourceToDestination) {
        return Frames.tcp(sourceToDestination).ack().seq(1).ackNumber(1);
    }
}
