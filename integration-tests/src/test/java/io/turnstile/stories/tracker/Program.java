package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * What the flow table does to a packet, chosen by the packet's source MAC. A program has stages, one table each; before
 * each stage but the first, and after the last, the packet is shown as {@link Sighting} says. {@code NEXT} in the text
 * of a stage stands for the next stage's table. A stage may begin with a ct_state that it is for; other packets then
 * end there.
 */
enum Program {
    LOOK(Feature.TRACKING, "ct(table=NEXT)"),
    COMMIT(Feature.TRACKING, "ct(commit,table=NEXT)"),
    FIREWALL(Feature.TRACKING, "ct(table=NEXT)", "ct_state=+new-inv ct(commit,exec(set_field:1->ct_mark),table=NEXT)"),
    COMMIT_UNSEEN(Feature.TRACKING, "ct(commit,zone=1),resubmit(,NEXT)"),
    LOOK_ZONE_1(Feature.TRACKING, "ct(zone=1,table=NEXT)"),
    MARK_ZONE_1(Feature.TRACKING, "ct(commit,zone=1,exec(set_field:0x5/0x1f->ct_mark),table=NEXT)"),
    MARK_OTHER_BITS(Feature.TRACKING, "ct(commit,zone=1,exec(set_field:0xa0/0xf0->ct_mark),table=NEXT)"),
    LABEL_LOW(Feature.TRACKING, "ct(commit,zone=1,exec(set_field:0x12345/0xfffff->ct_label),table=NEXT)"),
    LABEL_HIGH(
            Feature.TRACKING,
            "ct(commit,zone=1,exec(set_field:0xabcd000000000000000000000000/0xffff000000000000000000000000->ct_label),"
                    + "table=NEXT)"),
    MARK_AND_LABEL(
            Feature.TRACKING,
            "ct(commit,zone=2,exec(load:7->NXM_NX_CT_MARK[4..11],load:9->NXM_NX_CT_LABEL[60..67]),table=NEXT)"),
    TWO_ZONES(Feature.TRACKING, "ct(zone=1,table=NEXT)", "ct(commit,zone=2,exec(set_field:3->ct_mark),table=NEXT)"),
    SAME_ZONE_TWICE(Feature.TRACKING, "ct(commit,table=NEXT)", "ct(commit,exec(set_field:4->ct_mark),table=NEXT)"),
    LOOK_THEN_COMMIT(Feature.TRACKING, "ct(zone=3,table=NEXT)", "ct(commit,zone=3,table=NEXT)"),
    FORCE(Feature.TRACKING, "ct(commit,force,table=NEXT)"),
    LOOK_THEN_FORCE(
            Feature.TRACKING, "ct(zone=1,table=NEXT)", "ct(commit,force,zone=1,exec(set_field:6->ct_mark),table=NEXT)"),
    CLEAR(Feature.TRACKING, "ct(commit,table=NEXT)", "ct_clear,resubmit(,NEXT)"),
    CLEAR_THEN_OTHER_ZONE(Feature.TRACKING, "ct(commit,table=NEXT)", "ct_clear,ct(zone=1,table=NEXT)"),
    CLEAR_THEN_SAME_ZONE(Feature.TRACKING, "ct(commit,table=NEXT)", "ct_clear,ct(table=NEXT)"),
    ZONE_OF_REGISTER(Feature.TRACKING, "load:3->NXM_NX_REG0[4..19],ct(commit,zone=NXM_NX_REG0[4..19],table=NEXT)"),
    ZONE_OF_ZONE(Feature.TRACKING, "ct(zone=2,table=NEXT)", "ct(commit,zone=NXM_NX_CT_ZONE[],table=NEXT)"),

    SOURCE_NAT(Feature.NAT, "ct(commit,zone=4,nat(src=10.9.0.1),table=NEXT)"),
    SOURCE_NAT_PORT(Feature.NAT, "ct(commit,zone=4,nat(src=10.9.0.1:5000),table=NEXT)"),
    DESTINATION_NAT(Feature.NAT, "ct(commit,zone=4,nat(dst=10.0.0.3),table=NEXT)"),
    DESTINATION_NAT_PORT(Feature.NAT, "ct(commit,zone=4,nat(dst=10.0.0.3:8080),table=NEXT)"),
    PLAIN_NAT(Feature.NAT, "ct(zone=4,nat,table=NEXT)"),
    NAT_WITHOUT_RANGE(Feature.NAT, "ct(commit,zone=4,nat(src),table=NEXT)"),
    NO_NAT_IN_NAT_ZONE(Feature.NAT, "ct(zone=4,table=NEXT)"),
    NAT_FIREWALL(
            Feature.NAT,
            "ct(zone=4,nat,table=NEXT)",
            "ct_state=+new-inv ct(commit,zone=4,nat(src=10.9.0.2),exec(set_field:8->ct_mark),table=NEXT)"),

    FTP(Feature.HELPERS, "ct(commit,zone=5,alg=ftp,exec(set_field:5->ct_mark),table=NEXT)"),
    TFTP(Feature.HELPERS, "ct(commit,zone=5,alg=tftp,exec(set_field:6->ct_mark),table=NEXT)"),
    RELATED(Feature.HELPERS, "ct(zone=5,table=NEXT)", "ct_state=+new+rel ct(commit,zone=5,table=NEXT)");

    /** Tables from here on show packets and have no part in programs. */
    private static final int FIRST_STAGE = 0;

    private final Feature feature;
    private final List<String> stages;

    Program(Feature feature, String... stages) {
        this.feature = feature;
        this.stages = List.of(stages);
    }

    static List<Program> of(Set<Feature> features) {
        return Arrays.stream(values())
                .filter(program -> features.contains(program.feature))
                .toList();
    }

    boolean hasOneStage() {
        return stages.size() == 1;
    }

    Feature feature() {
        return feature;
    }

    boolean choosesPort() {
        return this == SOURCE_NAT_PORT || this == DESTINATION_NAT_PORT;
    }

    /** Every new connection's packet gets another address. */
    boolean translatesAlways() {
        return switch (this) {
            case SOURCE_NAT, SOURCE_NAT_PORT, DESTINATION_NAT, DESTINATION_NAT_PORT -> true;
            default -> false;
        };
    }

    /** The flows of this program, for {@code ovs-ofctl add-flows}. */
    List<String> flows() {
        List<String> flows = new ArrayList<>();
        for (String family : families()) {
            String match = family + ",dl_src=02:%02x:00:00:00:00/ff:ff:00:00:00:00".formatted(ordinal());
            for (int stage = 0; stage <= stages.size(); stage++) {
                int table = FIRST_STAGE + stage;
                String show = stage == 0 ? "" : "resubmit(," + Sighting.TABLE + ")";
                if (stage == stages.size()) {
                    flows.add(flow(table, 10, match, show));
                    continue;
                }
                String text = stages.get(stage).replace("NEXT", Integer.toString(table + 1));
                String before = show.isEmpty() ? "" : show + ",";
                if (text.startsWith("ct_state=")) {
                    int blank = text.indexOf(' ');
                    flows.add(flow(
                            table, 11, match + "," + text.substring(0, blank), before + text.substring(blank + 1)));
                    flows.add(flow(table, 10, match, show));
                } else {
                    flows.add(flow(table, 10, match, before + text));
                }
            }
        }
        return flows;
    }

    /** The packets that the program is for, as a flow matches them. */
    private List<String> families() {
        return switch (this) {
            case FTP -> List.of("tcp", "tcp6");
            case TFTP -> List.of("udp", "udp6");
            default -> feature == Feature.NAT ? List.of("ip") : List.of("ip", "ipv6");
        };
    }

    private static String flow(int table, int priority, String match, String actions) {
        return "table=" + table + ",priority=" + priority + "," + match + ",actions=" + actions;
    }
}
