package io.turnstile.stories.tracker;

import io.turnstile.packet.Frames;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Errors about frames that went before, quoted whole, cut short, changed, or sent to somebody else. */
final class IcmpErrors {
    private static final int[] TYPES = {3, 3, 3, 11, 12, 4, 5};
    private static final int[] TYPES_6 = {1, 1, 2, 3, 4};
    private static final int MAX_QUOTED_BYTES = 128;
    private final Random random;
    private final boolean cut;

    /**
     * @param cut whether frames may be quoted in part; Debian's Open vSwitch, translating, writes behind the end of a
     *     TCP header that is not whole, and dies of it
     */
    IcmpErrors(Random random, boolean cut) {
        this.random = random;
        this.cut = cut;
    }

    /** An error about one of these frames, which are IP. */
    byte[] about(List<byte[]> frames) {
        byte[] frame = frames.get(random.nextInt(frames.size()));
        Headers headers = Headers.of(frame);
        boolean six = frame[headers.network()] >>> 4 == 6;
        byte[] quoted = Arrays.copyOfRange(
                frame, headers.network(), Math.min(headers.end(), headers.network() + MAX_QUOTED_BYTES));
        int header = six ? 40 : 20;
        if (!cut && random.nextBoolean()) {
            swap(quoted, six ? 8 : 12, six ? 16 : 4);
            swap(quoted, header, Short.BYTES);
        }
        String sender = address(quoted, six ? 8 : 12, six);
        String receiver = address(quoted, six ? 24 : 16, six);
        String from = random.nextInt(3) == 0 ? receiver : six ? "fd00::fe" : "10.0.0.254";
        String to = random.nextInt(12) == 0 ? receiver : sender;
        switch (random.nextInt(cut ? 0 : 3, 12)) {
            case 0, 1 -> quoted = Arrays.copyOf(quoted, Math.min(quoted.length, header + 8));
            case 2 -> quoted = Arrays.copyOf(quoted, random.nextInt(quoted.length + 1));
            case 3 -> change(quoted, six);
            case 4 -> quoted = Arrays.copyOf(quoted, quoted.length + random.nextInt(20));
            default -> {
                // As it was.
            }
        }
        int type = any(six ? TYPES_6 : TYPES);
        return Frames.icmp(from + " > " + to, type, random.nextInt(4), random.nextInt(3) == 0 ? 1400 : 0)
                .payload(quoted)
                .bytes();
    }

    /** Has source and destination change places: the answer to a translated packet quotes what the packet was. */
    private static void swap(byte[] quoted, int at, int sizeBytes) {
        byte[] first = Arrays.copyOfRange(quoted, at, at + sizeBytes);
        System.arraycopy(quoted, at + sizeBytes, quoted, at, sizeBytes);
        System.arraycopy(first, 0, quoted, at + sizeBytes, sizeBytes);
    }

    /** Not the version, which Open vSwitch does not look at, nor what makes a fragment: Debian's wants none quoted. */
    private void change(byte[] quoted, boolean six) {
        int at = random.nextInt(quoted.length);
        if (six || at < 6 || at > 7) {
            quoted[at] ^= (byte) (1 << random.nextInt(at == 0 ? 4 : 8));
        }
    }

    private static String address(byte[] header, int offset, boolean six) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < (six ? 16 : 4); i += six ? 2 : 1) {
            text.append(i == 0 ? "" : six ? ":" : ".");
            text.append(
                    six
                            ? Integer.toHexString((header[offset + i] & 0xff) << 8 | header[offset + i + 1] & 0xff)
                            : Integer.toString(header[offset + i] & 0xff));
        }
        return text.toString();
    }

    private int any(int[] values) {
        return values[random.nextInt(values.length)];
    }
}
