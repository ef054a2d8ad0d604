package io.turnstile.stories.tracker;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A client and a server that know where they are: handshake, data, acknowledgements, FIN, RST, the next connection of
 * the same ports. Now and then one of them, or somebody in their name, sends what it should not: sequence numbers at
 * the edges of the window, resets beside the spot, odd flags, old segments.
 */
final class TcpConversation implements Exchange {
    private static final int FLAGS_OFFSET = 13;
    private static final int FIN = 0x01;
    private static final int SYN = 0x02;
    private static final int RST = 0x04;
    private static final int PSH = 0x08;
    private static final int ACK = 0x10;
    private static final int URG = 0x20;
    private static final int ECE = 0x40;
    private static final int CWR = 0x80;
    /** How far a tracker lets acknowledgements and late segments stray (a window and some slack). */
    private static final int STRAY_BYTES = 0xffff + 1500;

    private static final int MAX_HISTORY = 40;
    private static final int[] NOTABLE_SEQUENCES = {
        0, 1, 1000, 0x7fffff00, 0x80000000, 0xfffffff0, 0xffffffff, 0xfffe0000
    };
    private static final int[] SCALES = {0, 1, 3, 7, 14, 15, 255};
    private static final int[] WINDOWS = {0, 1, 512, 1000, 8192, 65535};
    private static final int[] SMALL_WINDOWS = {0, 1, 2, 3};
    private static final int[] EDGES = {-2, -1, 0, 1, 2};

    /** What one host knows. */
    private static final class Side {
        int next; // the sequence number of the next byte to send
        int expected; // the next byte of the other side
        int window; // offered, before scaling
        int scale; // 0 if the option is not sent
        boolean finished;
    }

    /**
     * What is said of window scales. Where one side knows scales and the other does not, windows are small: Open
     * vSwitch scales the largest window up, keeps 16 bits of it and forgets the rest.
     */
    private enum Scaling {
        NOBODY,
        BOTH,
        ANYTHING
    }

    private enum Phase {
        NOTHING,
        SYN_SENT,
        SYN_ANSWERED,
        OPEN,
        OVER
    }

    private final Random random;
    private final Ends ends;
    private final Scaling scaling;
    private final int[] windows;
    private final boolean reopens;
    private final Side[] sides = {new Side(), new Side()};
    private final List<byte[]> history = new ArrayList<>();
    private Phase phase = Phase.NOTHING;
    private boolean begun;

    /** @param reopens false: there is one connection of these ends, and its SYN comes first or not at all */
    TcpConversation(Random random, Ends ends, boolean reopens) {
        this.random = random;
        this.reopens = reopens;
        this.ends = ends;
        // The same for all conversations of these ends: what went before may still be known.
        scaling = Scaling.values()[Math.floorMod(ends.there().hashCode(), Scaling.values().length)];
        windows = scaling == Scaling.ANYTHING ? SMALL_WINDOWS : WINDOWS;
        begin();
    }

    private void begin() {
        for (Side side : sides) {
            side.next = random.nextBoolean() ? random.nextInt() : any(NOTABLE_SEQUENCES);
            side.expected = 0;
            side.window = any(windows);
            side.scale = scaling == Scaling.NOBODY ? 0 : any(SCALES);
            side.finished = false;
        }
        phase = Phase.NOTHING;
    }

    @Override
    public byte[] next() {
        byte[] frame = random.nextInt(100) < 72 ? proper() : oddity();
        while (!reopens && begun && isSyn(frame)) {
            frame = oddity();
        }
        begun = true;
        history.add(frame);
        if (history.size() > MAX_HISTORY) {
            history.removeFirst();
        }
        return frame;
    }

    private static boolean isSyn(byte[] frame) {
        return (frame[Headers.of(frame).transport() + FLAGS_OFFSET] & (SYN | ACK)) == SYN;
    }

    private byte[] proper() {
        return switch (phase) {
            case NOTHING -> first();
            case SYN_SENT -> answerToSyn();
            case SYN_ANSWERED -> {
                phase = Phase.OPEN;
                yield segment(0, ACK, 0);
            }
            case OPEN -> talk();
            case OVER -> afterwards();
        };
    }

    private byte[] first() {
        if (random.nextInt(8) == 0) { // Nobody saw the beginning.
            sides[0].expected = sides[1].next;
            sides[1].expected = sides[0].next;
            phase = Phase.OPEN;
            return talk();
        }
        phase = Phase.SYN_SENT;
        byte[] syn = syn(0, SYN | (random.nextInt(5) == 0 ? ECE | CWR : 0));
        sides[1].expected = sides[0].next;
        return syn;
    }

    private byte[] answerToSyn() {
        int choice = random.nextInt(10);
        if (choice == 0) { // Both open at once.
            byte[] syn = syn(1, SYN);
            sides[0].expected = sides[1].next;
            phase = Phase.SYN_ANSWERED;
            return syn;
        }
        if (choice == 1) { // Refused.
            phase = Phase.OVER;
            return frame(1, RST | ACK, 0, sides[1].expected, 0, new byte[0], 0);
        }
        byte[] answer = syn(1, SYN | ACK);
        sides[0].expected = sides[1].next;
        phase = Phase.SYN_ANSWERED;
        return answer;
    }

    private byte[] talk() {
        int side = random.nextInt(2);
        Side own = sides[side];
        sides[side].window = random.nextInt(6) == 0 ? any(windows) : own.window;
        int choice = random.nextInt(20);
        if (choice == 0) {
            phase = Phase.OVER;
            return segment(side, random.nextBoolean() ? RST : RST | ACK, 0);
        }
        if (choice <= 3 && !own.finished) {
            byte[] fin = segment(side, FIN | ACK, random.nextInt(3) == 0 ? 10 : 0);
            own.finished = true;
            phase = sides[side ^ 1].finished ? Phase.OVER : Phase.OPEN;
            return fin;
        }
        return choice <= 11 && !own.finished
                ? segment(side, PSH | ACK, 1 + random.nextInt(200))
                : segment(side, ACK, 0);
    }

    private byte[] afterwards() {
        if (!reopens || random.nextInt(3) > 0) {
            return segment(random.nextInt(2), random.nextInt(4) == 0 ? RST : ACK, 0);
        }
        begin();
        return first();
    }

    /** A segment in sequence; the other side takes it in, unless it is one of the segments that acknowledge only. */
    private byte[] segment(int side, int flags, int length) {
        Side own = sides[side];
        byte[] made = frame(side, flags, own.next, own.expected, own.window, new byte[0], length);
        own.next += length + ((flags & FIN) != 0 ? 1 : 0);
        if (random.nextInt(5) > 0) { // Otherwise it is acknowledged later.
            sides[side ^ 1].expected = own.next;
        }
        return made;
    }

    private byte[] syn(int side, int flags) {
        Side own = sides[side];
        // A full window, scaled down, rounded and scaled up again, would have 17 bits.
        own.window = Math.min(own.window, 49_152);
        byte[] made =
                frame(side, flags, own.next, (flags & ACK) != 0 ? own.expected : 0, own.window, options(own.scale), 0);
        own.next++;
        return made;
    }

    /** The scale option, plain or hidden among others, where anything may be said sometimes broken. */
    private byte[] options(int scale) {
        byte value = (byte) scale;
        return switch (scaling) {
            case NOBODY -> random.nextInt(4) == 0 ? new byte[] {2, 4, 5, (byte) 0xb4} : new byte[0];
            case BOTH ->
                switch (random.nextInt(4)) {
                    case 0 -> new byte[] {2, 4, 5, (byte) 0xb4, 1, 3, 3, value, 4, 2, 1, 1};
                    case 1 -> new byte[] {1, 1, 1, 1, 3, 3, value, 0};
                    default -> new byte[] {1, 3, 3, value};
                };
            case ANYTHING ->
                switch (random.nextInt(10)) {
                    case 0, 1 -> new byte[0];
                    case 2 -> new byte[] {5, 0, 3, 3, value, 0, 0, 0};
                    case 3 -> new byte[] {5, 1, 3, 3, value, 0, 0, 0};
                    case 4 -> new byte[] {3, 3, value, 1, 3, 3, 2, 0};
                    case 5 -> new byte[] {1, 1, 3, 3};
                    case 6 -> new byte[] {3, 2, value, 0};
                    case 7 -> new byte[] {1, 3, 3, value, 0, 0, 0, 0, 3, 3, 1, 0};
                    case 8 -> new byte[] {1, 1, 1, 0, 3, 3, value, 0};
                    default -> new byte[] {1, 3, 3, value};
                };
        };
    }

    private byte[] oddity() {
        int side = random.nextInt(2);
        Side own = sides[side];
        Side other = sides[side ^ 1];
        int edge = any(EDGES);
        int length = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(100);
        int othersWindow = other.window << Math.min(other.scale, 14);
        return switch (random.nextInt(14)) {
            case 0, 1 -> history.isEmpty() ? segment(side, ACK, 0) : history.get(random.nextInt(history.size()));
            case 2 -> odd(side, ACK, own.next + othersWindow - length + edge, own.expected, length);
            case 3 -> odd(side, ACK, own.next - othersWindow + edge, own.expected, length);
            case 4 -> odd(side, ACK, own.next, own.expected + STRAY_BYTES + edge, length);
            case 5 -> odd(side, ACK, own.next, own.expected - STRAY_BYTES + edge, length);
            case 6 -> odd(side, ACK, own.next + STRAY_BYTES + othersWindow - length + edge, own.expected, length);
            case 7 -> odd(side, ACK, own.next - STRAY_BYTES - othersWindow + edge, own.expected, length);
            case 8 -> odd(side, RST, own.next + edge, 0, 0);
            case 9 ->
                odd(side, RST | ACK, own.next + edge, random.nextBoolean() ? 0 : own.expected, random.nextInt(2) * 3);
            case 10 -> odd(side, random.nextInt(256), own.next, own.expected, random.nextInt(2) * length);
            case 11 ->
                frame(
                        side,
                        SYN | (random.nextInt(3) == 0 ? ACK : 0),
                        own.next + edge + random.nextInt(2) * 100_000,
                        own.expected,
                        Math.min(own.window, 49_152),
                        options(any(SCALES)),
                        random.nextInt(4) == 0 ? 4 : 0);
            case 12 ->
                odd(
                        side,
                        new int[] {0, URG, FIN | URG | PSH, SYN | FIN, SYN | RST, FIN | RST | ACK, ACK | URG, FIN, PSH}
                                [random.nextInt(9)],
                        own.next,
                        own.expected,
                        length);
            default -> frame(side, ACK, random.nextInt(), random.nextInt(), any(windows), new byte[0], length);
        };
    }

    /** Neither side's knowledge changes: nobody of them sent it. */
    private byte[] odd(int side, int flags, int sequence, int acknowledged, int length) {
        int window = random.nextInt(3) == 0 ? any(windows) : sides[side].window;
        return frame(side, flags, sequence, acknowledged, window, optionsFor(flags), length);
    }

    private byte[] optionsFor(int flags) {
        return (flags & SYN) != 0 ? options(any(SCALES)) : new byte[0];
    }

    private byte[] frame(int side, int flags, int sequence, int acknowledged, int window, byte[] options, int length) {
        Frame frame = Frames.tcp(ends.from(side))
                .flags(flags)
                .seq(sequence)
                .ackNumber(acknowledged)
                .window(window)
                .options(options);
        return frame.payload(length).bytes();
    }

    private int any(int[] values) {
        return values[random.nextInt(values.length)];
    }
}
