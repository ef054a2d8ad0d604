package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random flows and packets over few values, so that they meet often. */
final class RandomFlows {
    private static final int PRIORITIES = 1 << 14;
    private final Random random;

    RandomFlows(long seed) {
        random = new Random(seed);
    }

    /** A line for ovs-ofctl add-flow; priorities hardly ever coincide. */
    String flow() {
        String match = match();
        // Only packets that are IP can be tracked.
        return match + ",actions="
                + (match.contains("0x1234") ? actions().replaceAll("ct\\([^)]*\\)", "NORMAL") : actions());
    }

    String match() {
        List<String> parts = new ArrayList<>();
        parts.add("table=" + random.nextInt(3));
        parts.add("priority=" + random.nextInt(PRIORITIES));
        int kind = random.nextInt(6);
        parts.add(
                switch (kind) {
                    case 0 -> "tcp";
                    case 1 -> "udp";
                    case 2, 3 -> "ip";
                    case 4 -> "dl_type=0x1234";
                    default -> "ip";
                });
        maybe(parts, "in_port=" + (1 + random.nextInt(3)));
        maybe(parts, "dl_dst=00:00:00:00:00:0" + random.nextInt(4));
        maybe(parts, "dl_vlan=" + random.nextInt(3));
        maybe(parts, "reg0=" + random.nextInt(3));
        maybe(parts, "ct_state=" + (random.nextBoolean() ? "+trk" : "-trk"));
        if (kind != 4) {
            maybe(parts, "nw_src=10.0.0." + random.nextInt(4));
            maybe(parts, "nw_dst=10.0.0." + random.nextInt(4) + "/" + (random.nextBoolean() ? 31 : 32));
            maybe(parts, "nw_ttl=" + (1 + random.nextInt(3)));
        }
        if (kind < 2) {
            maybe(parts, "tp_dst=" + random.nextInt(4) + "/" + (random.nextBoolean() ? "0xffff" : "0x1"));
        }
        return String.join(",", parts);
    }

    private void maybe(List<String> parts, String part) {
        if (random.nextInt(4) == 0) {
            parts.add(part);
        }
    }

    String actions() {
        List<String> parts = new ArrayList<>();
        int length = 1 + random.nextInt(3);
        for (int i = 0; i < length; i++) {
            parts.add(
                    switch (random.nextInt(12)) {
                        case 0, 1, 2 -> "output:" + (1 + random.nextInt(3));
                        case 3 -> "NORMAL";
                        case 4 -> "mod_dl_dst:00:00:00:00:00:0" + random.nextInt(4);
                        case 5 -> "mod_vlan_vid:" + random.nextInt(3);
                        case 6 -> "strip_vlan";
                        case 7 -> "load:" + random.nextInt(3) + "->NXM_NX_REG0[]";
                        case 8 -> "move:NXM_OF_ETH_SRC[0..1]->NXM_OF_ETH_DST[0..1]";
                        case 9 -> "dec_ttl";
                        case 10 -> "resubmit(," + (1 + random.nextInt(2)) + ")";
                        default -> "ct(table=" + (1 + random.nextInt(2)) + ",zone=NXM_NX_REG0[0..15])";
                    });
        }
        return String.join(",", parts);
    }

    byte[] frame() {
        int kind = random.nextInt(3);
        boolean opaque = kind == 2 && random.nextInt(3) == 0;
        long source = random.nextInt(4);
        long destination = random.nextInt(4);
        String from = "10.0.0." + random.nextInt(4);
        String to = "10.0.0." + random.nextInt(4);
        String ends = from + ":" + random.nextInt(4) + " > " + to + ":" + random.nextInt(4);
        Frame frame = opaque
                ? Frames.ethernet(0x1234, new byte[50])
                : kind == 1 ? Frames.tcp(ends).ack() : Frames.udp(ends);
        frame.eth(source, destination).ttl(1 + random.nextInt(3));
        if (random.nextInt(3) == 0) {
            frame.vlan(random.nextInt(3));
        }
        return frame.bytes();
    }

    int port() {
        return 1 + random.nextInt(3);
    }

    int upTo(int bound) {
        return random.nextInt(bound);
    }

    /**
     * A packet's key that agrees with {@code key} in all bits of {@code mask} and is like a random frame's elsewhere.
     */
    long[] memberOf(long[] key, long[] mask) {
        long[] member = PipelineBench.keyOf(port(), frame());
        if (random.nextBoolean()) {
            Field.CT_STATE.set(member, 0x21);
        }
        for (int i = 0; i < mask.length; i++) {
            member[i] = key[i] & mask[i] | member[i] & ~mask[i];
        }
        if ((Field.VLAN_TCI.get(member) & FieldValues.VLAN_PRESENT) == 0) { // What is left of a frame's tag is none.
            List.of(Field.VLAN_TCI, Field.VLAN_TPID, Field.VLAN_TCI1, Field.VLAN_TPID1)
                    .forEach(part -> part.set(member, part.get(member) & part.get(mask)));
        } else if (Field.VLAN_TPID.get(member) == 0 && Field.VLAN_TPID.get(mask) == 0) {
            Field.VLAN_TPID.set(member, EtherTypes.VLAN);
        }
        return member;
    }
}
