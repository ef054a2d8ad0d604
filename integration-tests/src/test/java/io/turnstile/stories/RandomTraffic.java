package io.turnstile.stories;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Flow tables and frames out of a seed, with so few different values that many frames meet flows made for them. */
final class RandomTraffic {
    private static final int TABLES = 4;
    private static final int PORTS = 3;
    private final Random random;

    RandomTraffic(long seed) {
        random = new Random(seed);
    }

    /** A frame and the port at which it arrives. */
    record Arrival(int port, byte[] frame) {}

    /** Flows of four tables, no two of one priority; the walk only goes to later tables. */
    List<String> flows(int count) {
        List<Integer> priorities =
                new ArrayList<>(IntStream.rangeClosed(1, count).boxed().toList());
        Collections.shuffle(priorities, random);
        List<String> flows = new ArrayList<>();
        for (int priority : priorities) {
            int table = random.nextInt(TABLES);
            Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
            flows.add("table=" + table + ",priority=" + priority + match(kind) + ",actions=" + actions(table, kind));
        }
        for (int table = 0; table < TABLES; table++) {
            flows.add("table=" + table + ",priority=0,actions="
                    + (table + 1 < TABLES ? "resubmit(," + (table + 1) + ")" : pick("NORMAL", "drop", "FLOOD")));
        }
        return flows;
    }

    private enum Kind {
        ANY,
        IP,
        TCP,
        UDP,
        ICMP,
        ARP,
        IP6,
        TCP6,
        UDP6
    }

    private String match(Kind kind) {
        StringBuilder match = new StringBuilder(
                kind == Kind.ANY
                        ? ""
                        : ","
                                + switch (kind) {
                                    case ANY -> "";
                                    case IP6 -> "ipv6";
                                    default -> kind.name().toLowerCase(java.util.Locale.ROOT);
                                });
        maybe(match, "in_port=" + port());
        maybe(match, "dl_dst=" + mac());
        maybe(match, "dl_src=00:00:00:00:00:00/00:00:00:00:00:0" + (1 + random.nextInt(3)));
        maybe(match, pick("dl_vlan=" + vlan(), "vlan_tci=0", "vlan_tci=0x1000/0x1000", "vlan_pcp=0"));
        maybe(match, "reg0=" + random.nextInt(2) + "/0x1");
        maybe(match, "metadata=" + random.nextInt(2));
        switch (kind) {
            case IP, TCP, UDP, ICMP -> {
                maybe(match, "nw_src=10.0.0." + random.nextInt(4));
                maybe(match, "nw_dst=10.0.0." + 2 * random.nextInt(2) + "/31");
                maybe(match, pick("nw_ttl=64", "nw_tos=32", "nw_ecn=1", "ip_frag=no"));
                maybe(
                        match,
                        pick(
                                "ct_state=+trk",
                                "ct_state=-trk",
                                "ct_state=+new+trk",
                                "ct_state=+est+trk",
                                "ct_state=+rpl+trk",
                                "ct_mark=1",
                                "ct_label=2",
                                "ct_zone=1"));
            }
            case IP6, TCP6, UDP6 -> {
                maybe(match, "ipv6_src=fd00::" + random.nextInt(4));
                maybe(match, "ipv6_dst=fd00::/12" + (5 + random.nextInt(4)));
            }
            case ARP -> maybe(match, pick("arp_op=1", "arp_tpa=10.0.0." + random.nextInt(4)));
            case ANY -> {}
        }
        switch (kind) {
            case TCP, TCP6 -> maybe(match, pick("tp_dst=" + port(), "tp_src=0/1", "tcp_flags=+syn-ack"));
            case UDP, UDP6 -> maybe(match, pick("tp_dst=" + port(), "tp_src=1/1"));
            case ICMP -> maybe(match, "icmp_type=" + pick("8", "0"));
            case ANY, IP, IP6, ARP -> {}
        }
        return match.toString();
    }

    private String actions(int table, Kind kind) {
        List<String> actions = new ArrayList<>();
        int count = 1 + random.nextInt(3);
        boolean ip4 = kind == Kind.IP || kind == Kind.TCP || kind == Kind.UDP || kind == Kind.ICMP;
        for (int i = 0; i < count; i++) {
            actions.add(
                    switch (random.nextInt(16)) {
                        case 0, 1, 2 -> "output:" + port();
                        case 3 -> pick("NORMAL", "FLOOD", "ALL", "IN_PORT", "LOCAL");
                        case 4 -> "mod_dl_dst:" + mac();
                        case 5 -> "mod_vlan_vid:" + vlan();
                        case 6 -> pick("strip_vlan", "mod_vlan_pcp:3");
                        case 7 -> "load:" + random.nextInt(4) + "->NXM_NX_REG0[]";
                        case 8 -> "move:NXM_OF_ETH_SRC[0..1]->NXM_NX_REG0[0..1]";
                        case 9 -> "set_field:0x" + random.nextInt(2) + "->metadata";
                        case 10 ->
                            ip4
                                    ? pick("dec_ttl", "mod_nw_tos:32", "mod_nw_dst:10.0.0.3", "set_field:9->nw_ttl")
                                    : "drop_free";
                        case 11 ->
                            kind == Kind.TCP || kind == Kind.UDP ? pick("mod_tp_dst:2", "mod_tp_src:7") : "drop_free";
                        case 12 -> kind == Kind.IP6 ? "set_field:fd00::9->ipv6_dst" : "drop_free";
                        case 13 -> table + 1 < TABLES ? "resubmit(," + later(table) + ")" : "output:1";
                        default -> ip4 && table + 1 < TABLES ? conntrack(table) : "output:" + port();
                    });
        }
        actions.removeIf("drop_free"::equals);
        return actions.isEmpty() ? "drop" : String.join(",", actions);
    }

    private String conntrack(int table) {
        return pick(
                "ct(table=" + later(table) + ")",
                "ct(commit,table=" + later(table) + ")",
                "ct(commit)",
                "ct(commit,zone=1,exec(set_field:1->ct_mark))",
                "ct(zone=1,table=" + later(table) + ")",
                "ct(commit,exec(load:2->NXM_NX_CT_LABEL[0..31]),table=" + later(table) + ")",
                "ct(zone=NXM_NX_REG0[0..15],table=" + later(table) + ")",
                "ct_clear");
    }

    private int later(int table) {
        return table + 1 + random.nextInt(TABLES - table - 1);
    }

    /** Single frames of all kinds and whole TCP conversations, mixed up; a conversation's frames keep their order. */
    List<Arrival> arrivals(int count) {
        List<List<Arrival>> threads = new ArrayList<>();
        int made = 0;
        while (made < count) {
            List<Arrival> next = random.nextInt(4) == 0 ? conversation() : List.of(single());
            threads.add(new ArrayList<>(next));
            made += next.size();
        }
        List<Arrival> mixed = new ArrayList<>();
        while (!threads.isEmpty()) {
            List<Arrival> thread = threads.get(random.nextInt(Math.min(4, threads.size())));
            mixed.add(thread.removeFirst());
            if (thread.isEmpty()) {
                threads.remove(thread);
            }
        }
        return mixed;
    }

    private List<Arrival> conversation() {
        int left = port();
        int right = left % PORTS + 1;
        int sourcePort = 1000 + random.nextInt(1000);
        String there = "10.0.0.1:" + sourcePort + " > 10.0.0.2:" + port();
        String back = there.replaceAll("(.*) > (.*)", "$2 > $1");
        return List.of(
                new Arrival(left, Frames.tcp(there).syn().seq(100).bytes()),
                new Arrival(
                        right, Frames.tcp(back).synAck().seq(500).ackNumber(101).bytes()),
                new Arrival(
                        left, Frames.tcp(there).ack().seq(101).ackNumber(501).bytes()),
                new Arrival(
                        left,
                        Frames.tcp(there)
                                .push()
                                .ack()
                                .seq(101)
                                .ackNumber(501)
                                .payload("hello")
                                .bytes()),
                new Arrival(
                        right, Frames.tcp(back).ack().seq(501).ackNumber(106).bytes()),
                new Arrival(
                        right,
                        Frames.tcp(back).fin().ack().seq(501).ackNumber(106).bytes()),
                new Arrival(
                        left,
                        Frames.tcp(there).fin().ack().seq(106).ackNumber(502).bytes()));
    }

    private Arrival single() {
        boolean six = random.nextInt(4) == 0;
        String from = address(six);
        String to = address(six);
        Frame frame = switch (random.nextInt(5)) {
            case 0 -> Frames.tcp(end(from) + " > " + end(to)).ack().seq(7).ackNumber(9);
            case 1, 2 -> Frames.udp(end(from) + " > " + end(to)).payload(random.nextInt(40));
            case 3 ->
                random.nextBoolean()
                        ? Frames.echoRequest(from + " > " + to, 5)
                        : Frames.echoReply(from + " > " + to, 5);
            default -> Frames.arpRequest(address(false) + " > " + address(false));
        };
        frame.eth(mac(), random.nextInt(5) == 0 ? "ff:ff:ff:ff:ff:ff" : mac());
        if (random.nextInt(3) == 0) {
            frame.vlan(vlan());
        }
        if (random.nextInt(5) == 0) {
            frame.ttl(1 + random.nextInt(2)).tos(random.nextBoolean() ? 32 : 1);
        }
        return new Arrival(port(), frame.bytes());
    }

    private String address(boolean six) {
        return (six ? "fd00::" : "10.0.0.") + random.nextInt(4);
    }

    private String end(String address) {
        return (address.contains(":") ? "[" + address + "]" : address) + ":" + (1 + random.nextInt(4));
    }

    private int port() {
        return 1 + random.nextInt(PORTS);
    }

    private int vlan() {
        return 1 + random.nextInt(2);
    }

    private String mac() {
        return "00:00:00:00:00:0" + (1 + random.nextInt(4));
    }

    private void maybe(StringBuilder match, String part) {
        if (random.nextInt(5) == 0) {
            match.append(',').append(part);
        }
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
