package io.turnstile.pipeline;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.List;
import java.util.Random;

/** Random rules and packets over so few values that they meet. */
final class RandomWorld {
    private static final List<String> MATCHES = List.of(
            "in_port=1",
            "in_port=2",
            "ip,nw_src=10.0.0.1",
            "ip,nw_dst=10.0.0.0/30",
            "udp,tp_dst=53",
            "tcp,tp_dst=80",
            "tcp,tp_src=0x10/0xf0",
            "arp",
            "arp,arp_tpa=10.0.0.1",
            "dl_dst=02:00:00:00:00:0a",
            "ip",
            "ipv6",
            "dl_vlan=5",
            "vlan_tci=0/0x1fff",
            "nw_tos=32,ip",
            "reg0=1",
            "reg0=2/2",
            "metadata=7",
            "tcp,tcp_flags=+syn",
            "udp6,tp_dst=53",
            "ip,nw_ttl=1",
            "dl_src=02:00:00:00:00:0a/02:00:00:00:00:0f",
            "ct_state=+trk+est",
            "ct_state=+trk+new,ip",
            "ct_mark=3",
            "");
    private static final List<String> ACTIONS = List.of(
            "1",
            "2",
            "3",
            "IN_PORT",
            "ALL",
            "FLOOD",
            "controller",
            "load:1->NXM_NX_REG0[]",
            "load:2->NXM_NX_REG0[]",
            "set_field:02:00:00:00:00:0c->dl_dst",
            "mod_vlan_vid:5",
            "strip_vlan",
            "move:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]",
            "resubmit(,1)",
            "resubmit(,2)",
            "resubmit(2,1)",
            "ct_clear",
            "set_field:7->metadata",
            "note:00.01",
            "push:NXM_NX_REG0[]",
            "pop:NXM_NX_REG1[]",
            "output:NXM_NX_REG0[]");
    private static final List<String> IP_ACTIONS = List.of(
            "mod_nw_src:10.0.0.9",
            "dec_ttl",
            "mod_nw_tos:32",
            "ct(table=2)",
            "ct(commit,zone=1,exec(load:3->NXM_NX_CT_MARK[]))",
            "ct(table=1,zone=1)",
            "ct(commit,table=2)");

    private final Random random;

    RandomWorld(Random random) {
        this.random = random;
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    /**
     * {@code table=…,priority=…,match}; no two random rules of one table share a priority's luck: ties are told apart
     * by match.
     */
    String match() {
        return any(MATCHES);
    }

    String rule(int priority) {
        String match = match();
        boolean ip = match.matches(".*\\b(ip|tcp|udp)\\b.*");
        StringBuilder actions = new StringBuilder();
        for (int i = random.nextInt(4); i >= 0; i--) {
            String action = ip && random.nextInt(3) == 0 ? any(IP_ACTIONS) : any(ACTIONS);
            actions.append(actions.isEmpty() ? "" : ",").append(action);
        }
        String chosen = random.nextInt(8) == 0 ? "drop" : actions.toString();
        return "table=" + random.nextInt(3) + ",priority=" + priority + (match.isEmpty() ? "" : "," + match)
                + " actions=" + chosen;
    }

    int port() {
        return 1 + random.nextInt(3);
    }

    byte[] frame() {
        String from = "10.0.0." + (1 + random.nextInt(3));
        String to = "10.0.0." + (1 + random.nextInt(6));
        int source = random.nextBoolean() ? 0x10 + random.nextInt(3) : 1000;
        int destination = any(List.of(53, 80, 81));
        Frame frame = switch (random.nextInt(5)) {
            case 0 -> Frames.arpRequest("10.0.0.1 > 10.0.0." + (1 + random.nextInt(2)));
            case 1 ->
                Frames.udp("[fd00::1]:" + source + " > [fd00::2]:" + destination)
                        .payload(3);
            case 2 -> {
                Frame segment = Frames.tcp(from + ":" + source + " > " + to + ":" + destination)
                        .seq(1)
                        .ackNumber(1);
                yield random.nextBoolean() ? segment.syn() : segment.ack();
            }
            default ->
                Frames.udp(from + ":" + source + " > " + to + ":" + destination)
                        .payload(2)
                        .ttl(random.nextInt(4) == 0 ? 1 : 64)
                        .tos(random.nextInt(2) * 32);
        };
        frame.eth(SampleFrames.MAC_A, SampleFrames.MAC_B);
        if (random.nextBoolean()) {
            frame.eth(SampleFrames.MAC_B, SampleFrames.MAC_A);
        }
        return (random.nextInt(4) == 0 ? frame.tag(random.nextBoolean() ? 5 : 6) : frame).bytes();
    }
}
