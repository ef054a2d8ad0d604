package io.turnstile.stories.tracker;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.Random;

/** ICMP questions and answers of both families, also from the wrong side, and messages that are neither. */
record Echoes(Random random, Ends ends, int id, int maxPayloadBytes) implements Exchange {
    private static final int[] TYPES = {8, 0, 13, 14, 15, 16, 17, 18, 9, 10, 5, 3, 4, 11, 12, 255};
    private static final int[] TYPES_6 = {128, 129, 130, 131, 133, 134, 135, 136, 137, 143, 1, 2, 3, 4, 0};
    /** As of what is said on a link alone, and as of what has come from elsewhere. */
    private static final int[] HOP_LIMITS = {1, 255, 64};

    @Override
    public byte[] next() {
        int side = random.nextInt(2);
        String hosts = ends.hostsFrom(side);
        boolean six = hosts.contains("::");
        Frame frame = switch (random.nextInt(8)) {
            case 0 ->
                Frames.icmp(hosts, any(six ? TYPES_6 : TYPES), random.nextInt(4) == 0 ? 1 : 0, id)
                        .ttl(any(HOP_LIMITS));
            case 1 -> side == 0 ? Frames.echoReply(hosts, id) : Frames.echoRequest(hosts, id);
            case 2 -> six ? questionOrOnLink(hosts) : Frames.icmp(hosts, side == 0 ? 13 : 14, 0, id);
            default -> side == 0 ? Frames.echoRequest(hosts, id) : Frames.echoReply(hosts, id);
        };
        return frame.payload(random.nextInt(maxPayloadBytes)).bytes();
    }

    private Frame questionOrOnLink(String hosts) {
        return switch (random.nextInt(3)) {
            case 0 -> Frames.icmp(hosts, 133 + random.nextInt(4), 0, id).ttl(255);
            case 1 -> Frames.icmp(hosts, 130 + random.nextInt(3), 0, id).ttl(1);
            default -> Frames.echoRequest(hosts, id + random.nextInt(2));
        };
    }

    private int any(int[] values) {
        return values[random.nextInt(values.length)];
    }
}
