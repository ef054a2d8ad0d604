package io.turnstile.stories.tracker;

import io.turnstile.packet.IpProtocols;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Cuts datagrams into IPv4 and IPv6 fragments (RFC 791, RFC 8200 §4.5), and loses, doubles and mixes up the pieces. */
final class Fragments {
    /** Below this Debian's Open vSwitch takes a piece that is not the last for an attack. */
    private static final int LEAST_PIECE_BYTES = 1280;

    private static final int MORE = 0x2000;
    private static final int IPV6_HEADER_BYTES = 40;
    private static final int FRAGMENT_HEADER_BYTES = 8;

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
        byte[] data = Arrays.copyOfRange(frame, headers.network() + header, headers.end());
        int most = random.nextInt(20) == 0 ? 400 : LEAST_PIECE_BYTES + 8 * random.nextInt(10);
        List<byte[]> pieces = new ArrayList<>();
        for (int from = 0; from < data.length; from += most) {
            int to = Math.min(data.length, from + most);
            pieces.add(piece(
                    frame, headers.network(), header, Arrays.copyOfRange(data, from, to), from, to < data.length));
        }
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

    private byte[] piece(byte[] frame, int network, int header, byte[] data, int offset, boolean more) {
        boolean six = header == IPV6_HEADER_BYTES;
        ByteBuffer made = ByteBuffer.allocate(network + header + (six ? FRAGMENT_HEADER_BYTES : 0) + data.length);
        made.put(frame, 0, network + header);
        if (six) {
            made.put(network + 6, (byte) IpProtocols.FRAGMENT);
            made.putShort(network + 4, (short) (FRAGMENT_HEADER_BYTES + data.length));
            made.put(frame[network + 6])
                    .put((byte) 0)
                    .putShort((short) (offset | (more ? 1 : 0)))
                    .putInt(datagrams);
        } else {
            made.putShort(network + 2, (short) (header + data.length));
            made.putShort(network + 4, (short) datagrams);
            made.putShort(network + 6, (short) (offset / 8 | (more ? MORE : 0)));
        }
        byte[] piece = made.put(data).array();
        Headers.repair(piece);
        return piece;
    }
}
