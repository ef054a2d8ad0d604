package io.turnstile.stories;

import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Datagrams of both families in fragments, out of a seed: in any order, several at a time, with duplicates, overlaps,
 * tiny and missing ones, padded and tagged ones, and whole packets of the same connections between them.
 */
final class RandomFragments {
    private static final int PORTS = 3;
    private static final int PADDED_BYTES = 60;
    private static final int IPV6_HEADER_BYTES = 40;
    private final Random random;
    private int identification;

    RandomFragments(long seed) {
        random = new Random(seed);
        identification = (int) seed << 8;
    }

    /** So many datagrams, the fragments of up to three of them mixed. */
    List<RandomTraffic.Arrival> arrivals(int datagrams) {
        List<List<RandomTraffic.Arrival>> threads = new ArrayList<>();
        for (int i = 0; i < datagrams; i++) {
            threads.add(datagram());
        }
        List<RandomTraffic.Arrival> mixed = new ArrayList<>();
        while (!threads.isEmpty()) {
            List<RandomTraffic.Arrival> thread = threads.get(random.nextInt(Math.min(3, threads.size())));
            mixed.add(thread.removeFirst());
            if (thread.isEmpty()) {
                threads.remove(thread);
            }
        }
        return mixed;
    }

    private List<RandomTraffic.Arrival> datagram() {
        boolean six = random.nextBoolean();
        int port = 1 + random.nextInt(PORTS);
        Frame frame = frame(six, port == 1);
        if (random.nextInt(6) == 0) {
            frame.payload(random.nextInt(40));
            return new ArrayList<>(List.of(new RandomTraffic.Arrival(port, frame.bytes())));
        }
        // Packets of at most 1500 bytes: Open vSwitch's dummy ports stop at one that is longer.
        int unit = 8 * (random.nextInt(8) == 0 ? 60 + random.nextInt(80) : 160 + random.nextInt(20));
        int dataBytes = unit * (1 + random.nextInt(5)) + 16 + random.nextInt(unit - 16);
        frame.payload(bytes(dataBytes - 8));
        if (random.nextInt(8) == 0) {
            frame.corruptChecksum();
        }
        byte[] whole = six && random.nextInt(4) == 0 ? withHopByHopOptions(frame.bytes()) : frame.bytes();
        identification += 1 + random.nextInt(3);
        return damaged(whole, unit, dataBytes).stream()
                .map(fragment -> new RandomTraffic.Arrival(port, fragment))
                .collect(ArrayList::new, ArrayList::add, ArrayList::addAll);
    }

    private Frame frame(boolean six, boolean asks) {
        String left = six ? "fd00::1" : "10.0.0.1";
        String right = six ? "fd00::2" : "10.0.0.2";
        Frame frame;
        if (random.nextInt(3) == 0) {
            frame = asks ? Frames.echoRequest(left + " > " + right, 5) : Frames.echoReply(right + " > " + left, 5);
        } else {
            String asking = (six ? "[fd00::1]:" : "10.0.0.1:") + (1 + random.nextInt(3));
            String asked = (six ? "[fd00::2]:" : "10.0.0.2:") + (1 + random.nextInt(2));
            frame = Frames.udp(asks ? asking + " > " + asked : asked + " > " + asking);
        }
        return random.nextInt(5) == 0 ? frame.vlan(3) : frame;
    }

    private byte[] bytes(int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    /** The datagram's fragments in some order, mostly all of them and once. */
    private List<byte[]> damaged(byte[] whole, int unit, int dataBytes) {
        int[] cuts =
                IntStream.iterate(unit, at -> at < dataBytes, at -> at + unit).toArray();
        List<byte[]> fragments = new ArrayList<>(FrameFragments.cut(whole, identification, cuts));
        if (fragments.getLast().length < PADDED_BYTES && random.nextBoolean()) {
            fragments.set(fragments.size() - 1, Arrays.copyOf(fragments.getLast(), PADDED_BYTES));
        }
        int overlapping = random.nextInt(cuts.length);
        byte[] shifted = cuts.length > 1 && overlapping > 0
                ? FrameFragments.cut(whole, identification, cuts[overlapping - 1] + 8, cuts[overlapping] + 8)
                        .get(1)
                : fragments.getFirst();
        switch (random.nextInt(8)) {
            case 0 -> fragments.remove(random.nextInt(fragments.size()));
            case 1 -> fragments.add(random.nextInt(fragments.size()), fragments.get(random.nextInt(fragments.size())));
            case 2 -> fragments.add(random.nextInt(fragments.size() + 1), shifted);
            default -> {
                // All is well with it.
            }
        }
        if (random.nextBoolean()) {
            Collections.shuffle(fragments, random);
        }
        return fragments;
    }

    /** Before the fragment header, and so in every fragment. */
    private static byte[] withHopByHopOptions(byte[] frame) {
        int l3 = frame[12] == (byte) 0x81 ? 18 : 14;
        int options = l3 + IPV6_HEADER_BYTES;
        byte[] longer = new byte[frame.length + 8];
        System.arraycopy(frame, 0, longer, 0, options);
        System.arraycopy(frame, options, longer, options + 8, frame.length - options);
        int payloadBytes = frame.length - options + 8;
        longer[l3 + 4] = (byte) (payloadBytes >> 8);
        longer[l3 + 5] = (byte) payloadBytes;
        longer[options] = frame[l3 + 6];
        longer[options + 2] = 1; // PadN (RFC 8200 §4.2)
        longer[options + 3] = 4;
        longer[l3 + 6] = 0;
        return longer;
    }
}
