package io.turnstile.embedded.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A random stateful pipeline over two bridges, as lines for ovs-ofctl, and random changes of it. Its skeleton lets most
 * conversations through; random rules beside it look at this and that, rewrite, send elsewhere, or stand in the way.
 *
 * <p>Tables of the first bridge: 0 prepares a packet and has it tracked; 1 has the first zone's verdict, commits and
 * writes marks; 2 may have it tracked in a second zone, whose verdict table 3 has; 4 sends it on; 20 is for resubmits.
 * Of the second: 0 may track in a third zone, 1 has its verdict, 2 sends it on.
 */
final class RandomRules {
    /** @param cookie the rule's alone */
    record Rule(int bridge, long cookie, String text) {
        String line() {
            return "cookie=" + cookie + "," + text;
        }
    }

    private static final int FIRST_ZONE = 1;
    private static final int SECOND_ZONE = 2;
    private static final int FAR_ZONE = 3;
    private static final String[] FAMILIES = {"ip", "ipv6"};

    private final Random random;
    private final boolean mayTimeOut;
    private final boolean translatesSources;
    private final boolean translatesDestinations;
    private final boolean hasSecondZone;
    private final boolean hasFarZone;
    private final List<Rule> skeleton = new ArrayList<>();
    private final List<Rule> variants = new ArrayList<>();
    private long lastCookie;

    /** @param mayTimeOut whether rules may have timeouts */
    RandomRules(Random random, boolean mayTimeOut) {
        this.random = random;
        this.mayTimeOut = mayTimeOut;
        translatesSources = random.nextInt(3) == 0;
        translatesDestinations = random.nextInt(3) == 0;
        hasSecondZone = random.nextInt(3) == 0;
        hasFarZone = random.nextInt(3) == 0;
        addSkeleton();
        int count = random.nextInt(12);
        for (int i = 0; i < count; i++) {
            variants.add(variant());
        }
    }

    boolean translatesDestinations() {
        return translatesDestinations;
    }

    /** All rules that there are at first. */
    List<Rule> first() {
        List<Rule> all = new ArrayList<>(skeleton);
        all.addAll(variants);
        return all;
    }

    // ---- the skeleton ----

    private void skeleton(int bridge, String text) {
        skeleton.add(new Rule(bridge, ++lastCookie, text));
    }

    private boolean translates() {
        return translatesSources || translatesDestinations;
    }

    private void addSkeleton() {
        for (String family : FAMILIES) {
            boolean ipv6 = family.equals("ipv6");
            String nat = translates() ? ",nat" : "";
            skeleton(
                    0,
                    "table=0,priority=10," + family + " actions=" + rewrites(0.3) + "ct(table=1,zone=" + FIRST_ZONE
                            + nat + ")");
            for (ModelPort client : ModelPort.CLIENTS) {
                String in = family + ",in_port=" + client.number();
                skeleton(
                        0,
                        "table=1,priority=10," + in + ",ct_state=+trk+new actions=ct(commit,zone=" + FIRST_ZONE
                                + translation(client, ipv6) + marks(0.3) + "),resubmit(,2)");
            }
            skeleton(
                    0,
                    "table=1,priority=10," + family + ",ct_state=+trk+est actions=" + rewrites(0.3) + "resubmit(,2)");
            if (hasSecondZone) {
                skeleton(0, "table=2,priority=10," + family + " actions=ct(table=3,zone=" + SECOND_ZONE + ")");
                skeleton(
                        0,
                        "table=3,priority=10," + family + ",ct_state=+trk+new actions=ct(commit,zone=" + SECOND_ZONE
                                + marks(0.3) + "),resubmit(,4)");
                skeleton(0, "table=3,priority=10," + family + ",ct_state=+trk+est actions=resubmit(,4)");
            } else {
                skeleton(0, "table=2,priority=10," + family + " actions=resubmit(,4)");
            }
            for (ModelPort port : ModelPort.values()) {
                addDelivery(port, ipv6, family);
            }
            if (hasFarZone) {
                skeleton(
                        1,
                        "table=0,priority=10," + family + " actions=" + rewrites(0.3) + "ct(table=1,zone=" + FAR_ZONE
                                + ")");
                skeleton(
                        1,
                        "table=1,priority=10," + family + ",in_port=" + ModelPort.PATCH
                                + ",ct_state=+trk+new actions=ct(commit,zone=" + FAR_ZONE + marks(0.3)
                                + "),resubmit(,2)");
                skeleton(1, "table=1,priority=10," + family + ",ct_state=+trk+est actions=resubmit(,2)");
            } else {
                skeleton(1, "table=0,priority=10," + family + " actions=" + rewrites(0.3) + "resubmit(,2)");
            }
        }
    }

    private void addDelivery(ModelPort port, boolean ipv6, String family) {
        String destination = family + "," + destination(port, ipv6);
        skeleton(
                0,
                "table=4,priority=10," + destination + " actions=" + rewrites(0.4) + "output:"
                        + port.numberFromBridge0());
        if (port.bridge() == 1) {
            skeleton(
                    1,
                    "table=2,priority=10,in_port=" + ModelPort.PATCH + "," + destination + " actions=" + rewrites(0.4)
                            + "output:" + port.number());
        } else {
            skeleton(
                    1,
                    "table=2,priority=10," + destination + " actions=" + rewrites(0.4) + "output:" + ModelPort.PATCH);
        }
        if (port.isClient() && port.bridge() == 0) {
            String translated = (ipv6 ? "ipv6_dst=" : "nw_dst=") + port.translatedAddress(ipv6);
            skeleton(1, "table=2,priority=10," + family + "," + translated + " actions=output:" + ModelPort.PATCH);
        }
    }

    private static String destination(ModelPort port, boolean ipv6) {
        return ipv6 ? "ipv6_dst=" + port.address(true, 0) + "/112" : "nw_dst=" + port.address(false, 0) + "/24";
    }

    private String translation(ModelPort client, boolean ipv6) {
        if (translatesSources) {
            return ",nat(src=" + client.translatedAddress(ipv6) + ")";
        }
        return translatesDestinations ? ",nat(dst=" + any(ModelPort.SERVERS).address(ipv6, 1) + ")" : "";
    }

    // ---- rules beside it ----

    /** A rule that some packets meet before the skeleton's. */
    Rule variant() {
        String family = FAMILIES[random.nextInt(2)];
        boolean far = random.nextInt(5) == 0;
        int table = far ? (hasFarZone ? random.nextInt(3) : 2 * random.nextInt(2)) : random.nextInt(6);
        table = table == 5 ? 20 : table == 3 && !hasSecondZone ? 4 : table;
        StringBuilder text = new StringBuilder("table=" + table + ",priority=" + (11 + random.nextInt(5)));
        if (mayTimeOut && random.nextInt(5) == 0) {
            text.append(random.nextBoolean() ? ",idle_timeout=" : ",hard_timeout=")
                    .append(1 + random.nextInt(4));
        }
        text.append(',').append(family).append(condition(family)).append(random.nextBoolean() ? condition(family) : "");
        String actions = far ? farActions(table) : actions(table);
        return new Rule(far ? 1 : 0, ++lastCookie, text + " actions=" + actions);
    }

    private String condition(String family) {
        boolean ipv6 = family.equals("ipv6");
        return switch (random.nextInt(16)) {
            case 0 -> ",nw_tos=" + 32 * random.nextInt(3);
            case 1 -> ",nw_ttl=" + (62 + random.nextInt(3));
            case 2 -> ",dl_src=" + mac(any(List.of(ModelPort.values())).mac());
            case 3 -> ",dl_dst=" + mac(any(List.of(ModelPort.values())).mac());
            case 4 -> ",dl_vlan=" + (5 + random.nextInt(2));
            case 5 -> ",vlan_tci=0x0000";
            case 6 -> ",vlan_tci=0x1000/0x1000";
            case 7 -> ",ct_mark=" + random.nextInt(2) + "/0x1";
            case 8 -> ",ct_label=" + 2 * random.nextInt(2) + "/0x2";
            case 9 -> ",nw_ecn=" + random.nextInt(3);
            case 10 -> ipv6 ? ",ipv6_label=" + random.nextInt(2) : ",nw_src=10.0." + random.nextInt(6) + ".0/24";
            case 11 -> ",pkt_mark=" + random.nextInt(2);
            case 12 -> ",reg0=" + random.nextInt(2);
            case 13 -> ",dl_src=02:00:00:00:00:00/ff:00:00:00:00:01";
            default -> ",in_port=" + (1 + random.nextInt(4));
        };
    }

    private String actions(int table) {
        if (random.nextInt(10) == 0) {
            return "drop";
        }
        return switch (table) {
            case 0 ->
                rewrites(0.6) + (random.nextInt(3) == 0 ? "resubmit(,20)," : "") + "ct(table=1,zone=" + FIRST_ZONE
                        + (translates() ? ",nat" : "") + ")";
            case 1 -> recommit(FIRST_ZONE) + rewrites(0.5) + "resubmit(,2)";
            case 2 ->
                rewrites(0.5) + (hasSecondZone ? "ct(table=3,zone=" + SECOND_ZONE + ")" : "resubmit(,20),resubmit(,4)");
            case 3 -> recommit(SECOND_ZONE) + rewrites(0.5) + "resubmit(,4)";
            case 20 -> rewrites(0.9) + "load:1->NXM_NX_REG1[]";
            default -> rewrites(0.5) + ending();
        };
    }

    private String farActions(int table) {
        if (random.nextInt(10) == 0) {
            return "drop";
        }
        return switch (table) {
            case 0 -> rewrites(0.5) + (hasFarZone ? "ct(table=1,zone=" + FAR_ZONE + ")" : "resubmit(,2)");
            case 1 -> recommit(FAR_ZONE) + rewrites(0.5) + "resubmit(,2)";
            default -> rewrites(0.5) + any(List.of("NORMAL", "output:1", "output:2", "output:1,output:2", "in_port"));
        };
    }

    /** Commits what is there already, mostly to write marks. */
    private String recommit(int zone) {
        return random.nextInt(3) == 0 ? "" : "ct(commit,zone=" + zone + marks(0.8) + "),";
    }

    private String marks(double often) {
        if (random.nextDouble() >= often) {
            return "";
        }
        String mark = "load:" + random.nextInt(2) + "->NXM_NX_CT_MARK[0]";
        String label = "load:" + random.nextInt(2) + "->NXM_NX_CT_LABEL[1]";
        return ",exec("
                + switch (random.nextInt(3)) {
                    case 0 -> mark;
                    case 1 -> label;
                    default -> mark + "," + label;
                }
                + ")";
    }

    private String ending() {
        int port = any(List.of(ModelPort.values())).numberFromBridge0();
        return switch (random.nextInt(12)) {
            case 0 -> "controller";
            case 1 ->
                "output:" + port + ",output:" + any(List.of(ModelPort.values())).numberFromBridge0();
            case 2, 3 -> "NORMAL";
            case 4 -> "FLOOD";
            case 5 -> "in_port";
            case 6 -> "output:" + port + ",ct_clear";
            default -> "output:" + port;
        };
    }

    /** Rewrites with a comma behind each. */
    private String rewrites(double often) {
        StringBuilder text = new StringBuilder();
        for (double chance = often; random.nextDouble() < chance; chance /= 2) {
            text.append(rewrite()).append(',');
        }
        return text.toString();
    }

    private String rewrite() {
        return switch (random.nextInt(17)) {
            case 0, 1 -> "dec_ttl";
            case 2 -> "mod_dl_src:" + mac(0x0200_0000_2000L + random.nextInt(2));
            case 3 -> "mod_dl_dst:" + mac(0x0200_0000_3000L + random.nextInt(2));
            case 4 -> "mod_nw_tos:" + 32 * random.nextInt(4);
            case 5 -> "mod_vlan_vid:" + (5 + random.nextInt(2));
            case 6 -> "mod_vlan_pcp:" + random.nextInt(8);
            case 7, 8 -> "strip_vlan";
            case 9 -> "load:" + random.nextInt(2) + "->NXM_NX_REG0[]";
            case 10 -> "load:" + random.nextInt(2) + "->NXM_NX_PKT_MARK[]";
            case 11 -> "set_queue:" + random.nextInt(3);
            case 12 -> "mod_nw_ttl:" + (40 + random.nextInt(2));
            case 13 -> "load:" + random.nextInt(8) + "->NXM_OF_ETH_SRC[0..2]";
            case 14 -> "move:NXM_OF_ETH_SRC[0..3]->NXM_OF_ETH_DST[4..7]";
            case 15 -> "mod_nw_ecn:" + random.nextInt(4);
            default -> "load:0x3->NXM_OF_IP_TOS[2..3]";
        };
    }

    // ---- changes ----

    /** A new rule beside the skeleton. */
    Rule added() {
        Rule rule = variant();
        variants.add(rule);
        return rule;
    }

    /** Some rule that is to go, of the skeleton too now and then. */
    Rule removed() {
        boolean ofSkeleton = variants.isEmpty() || random.nextInt(6) == 0;
        List<Rule> from = ofSkeleton ? skeleton : variants;
        Rule rule = any(from);
        if (!ofSkeleton) {
            variants.remove(rule);
        }
        return rule;
    }

    /** A rule of the skeleton, with other rewrites in front. */
    Rule rewritten() {
        Rule rule = any(skeleton);
        int at = rule.text().indexOf("actions=") + "actions=".length();
        return new Rule(
                rule.bridge(),
                rule.cookie(),
                rule.text().substring(0, at) + rewrites(0.7) + rule.text().substring(at));
    }

    /** As it was at first. */
    List<Rule> skeleton() {
        return skeleton;
    }

    private <T> T any(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    private static String mac(long mac) {
        StringBuilder text = new StringBuilder();
        for (int shift = 40; shift >= 0; shift -= 8) {
            text.append(text.isEmpty() ? "" : ":").append(String.format("%02x", mac >>> shift & 0xff));
        }
        return text.toString();
    }
}
