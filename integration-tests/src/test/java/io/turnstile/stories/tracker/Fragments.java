package io.turnstile.stories.tracker;

import io.turnstile.packet.FrameFragments;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Cuts datagrams into IPv4 and IPv6 fragments (RFC 791, RFC 8200 §4.5), and loses, doubles and mixes up the pieces. */
final class Fragments {
    /** Below this Debian's Open vSwitch takes a piece that is not the last for an attack. */
    private static final int LEAST_PIECE_BYTES = 1280;

    private static final int IPV6_HEADER_BYTES = 40;

    private final Random random;
    private int datagrams;

    Fragments(Random random) {
        this.random = random;
    }

    /** Whether a frame is so large that it comes in fragments. */
    static boolean isLarge(byte[] frame) {
        return frame.length > LEAST_PIECE_BYTES + 100;
    }

    /**
     * The pieces in the order of their coming.
     *
     * @param doubled whether one of them may come twice: of two zones, Debian's Open vSwitch may lose either in the
     *     second one
     */
    List<byte[]> of(byte[] frame, boolean doubled) {
        datagrams++;
        Headers headers = Headers.of(frame);
        boolean six = frame[headers.network()] >>> 4 == 6;
        int header = six ? IPV6_HEADER_BYTES : (frame[headers.network()] & 0xf) * 4;
        int dataBytes = headers.end() - headers.network() - header;
        int most = random.nextInt(20) == 0 ? 400 : LEAST_PIECE_BYTES + 8 * random.nextInt(10);
        int[] cuts =
                IntStream.iterate(most, at -> at < dataBytes, at -> at + most).toArray();
        List<byte[]> pieces = new ArrayList<>(FrameFragments.cut(frame, datagrams, cuts));
        spoil(pieces, doubled);
        return pieces;
    }

    private void spoil(List<byte[]> pieces, boolean doubled) {
        switch (random.nextInt(doubled ? 10 : 9)) {
            case 0, 1 -> Collections.shuffle(pieces, random);
            case 2 -> Collections.reverse(pieces);
            case 3 -> pieces.remove(random.nextInt(pieces.size()));
            case 9 -> pieces.add(random.nextInt(pieces.size()), pieces.get(random.nextInt(pieces.size())));
            default -> {
                // In order.
            }
        }
    }
}
