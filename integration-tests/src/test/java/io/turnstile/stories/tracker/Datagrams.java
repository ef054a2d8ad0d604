package io.turnstile.stories.tracker;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.Random;

/** UDP both ways, with and without checksum, sometimes with a length that lies. */
record Datagrams(Random random, Ends ends, int maxPayloadBytes) implements Exchange {
    private static final int UDP_LENGTH_OFFSET = 4;

    @Override
    public byte[] next() {
        Frame frame = Frames.udp(ends.from(random.nextInt(3) == 0 ? 1 : 0)).payload(random.nextInt(maxPayloadBytes));
        if (random.nextInt(8) == 0) {
            frame.withoutChecksum();
        }
        byte[] made = frame.bytes();
        if (random.nextInt(20) == 0 && !Fragments.isLarge(made)) {
            Headers.of(made).addToTransport(made, UDP_LENGTH_OFFSET, random.nextInt(7) - 3);
        }
        return made;
    }
}
