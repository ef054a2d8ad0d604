package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.LabSwitch;
import io.turnstile.packet.Frames;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Operators look at connections, limit and flush them: Turnstile's answers, and what is left, are those of
 * ovs-vswitchd.
 */
@Tag("system")
class TrackerCommandsStoryTest {
    private static final String DUMP = "dpctl/dump-conntrack";
    private static final String ONE = "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=";
    private static final List<String> WITHOUT_DATAPATH = List.of(
            DUMP,
            "dpctl/dump-conntrack zone=3",
            "dpctl/dump-conntrack foo",
            "dpctl/dump-conntrack dummy@ovs-dummy",
            "dpctl/flush-conntrack",
            "dpctl/flush-conntrack zone=x",
            "dpctl/flush-conntrack zone=3",
            "dpctl/ct-stats-show",
            "dpctl/ct-bkts",
            "dpctl/ct-set-maxconns 5",
            "dpctl/ct-set-maxconns foo 5",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-get-nconns",
            "dpctl/ct-get-nconns foo",
            "dpctl/ct-enable-tcp-seq-chk",
            "dpctl/ct-get-tcp-seq-chk",
            "dpctl/ct-get-limits",
            "dpctl/ct-get-limits zone=x",
            "dpctl/ct-set-limits zone=x",
            "dpctl/ct-set-limits default=1",
            "dpctl/ct-del-limits zone=1",
            "dpctl/ct-del-limits default");
    /**
     * Numbers of all bases, blanks, too many words; {@code --} and lone options. Left out is what makes version 3.1 of
     * Open vSwitch fall over (no limit after the datapath's name, {@code zone=}), and the numbers that only it takes.
     */
    private static final List<String> WORDS = List.of(
            "dpctl/ct-set-limits zone=0x5,limit=0x10 'zone=010 limit=7'",
            "dpctl/ct-get-limits",
            "dpctl/ct-set-limits zone:6,limit:7 zone(7),limit(8)",
            "dpctl/ct-get-limits",
            "dpctl/ct-set-limits zone=+8,limit=+9",
            "dpctl/ct-set-limits zone=-1,limit=9",
            "dpctl/ct-get-limits zone=8",
            "dpctl/ct-set-limits zone=9,limit=4294967295",
            "dpctl/ct-get-limits zone=9",
            "dpctl/ct-set-limits ''",
            "dpctl/ct-set-limits ,zone=10,,limit=3,",
            "dpctl/ct-get-limits zone=10",
            "dpctl/ct-get-limits zone=,10,,9,",
            "dpctl/ct-get-limits zone=9x",
            "dpctl/ct-get-limits zone=65546",
            "dpctl/ct-set-limits default=",
            "dpctl/ct-set-limits default=+7",
            "dpctl/ct-get-limits",
            "dpctl/ct-set-limits zone=1,limit=1 default=3",
            "dpctl/ct-set-limits zone=11,limit=1 zone=x",
            "dpctl/ct-get-limits zone=11",
            "dpctl/ct-set-limits dummy@ovs-dummy default=0",
            "dpctl/ct-get-limits dummy@ovs-dummy",
            "dpctl/ct-get-limits foo zone=1",
            "dpctl/ct-get-limits -- zone=1",
            "dpctl/ct-get-limits -m -s zone=9",
            "dpctl/ct-get-limits -x zone=9",
            "dpctl/ct-get-limits --what zone=9",
            "dpctl/ct-get-limits - zone=9",
            "dpctl/ct-del-limits zone=5,6,7,8,9,10",
            "dpctl/ct-del-limits zone=1,x",
            "dpctl/ct-get-limits",
            "dpctl/ct-set-maxconns 0x10",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns 12abc",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns '  13'",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns ''",
            "dpctl/ct-set-maxconns dummy@ovs-dummy 14",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns dummy@ovs-dummy",
            "dpctl/ct-set-maxconns 0",
            "dpctl/ct-get-maxconns",
            "dpctl/ct-set-maxconns 3000000",
            "dpctl/ct-get-maxconns x y",
            "dpctl/ct-enable-tcp-seq-chk x y",
            "dpctl/ct-get-tcp-seq-chk foo",
            "dpctl/ct-get-nconns dummy@ovs-dummy",
            "dpctl/ct-get-nconns -m");

    private static final List<String> FLUSHES_OF_NOTHING = List.of(
            "dpctl/flush-conntrack zone=5x",
            "dpctl/flush-conntrack zone=",
            "dpctl/flush-conntrack zone=-1 x",
            "dpctl/flush-conntrack ct_nw_src",
            "dpctl/flush-conntrack ct_nw_src=",
            "dpctl/flush-conntrack ct_nw_src=1.1.1",
            "dpctl/flush-conntrack ct_nw_src=1.1.1.256",
            "dpctl/flush-conntrack ct_nw_src=01.1.1.1",
            "dpctl/flush-conntrack ct_ipv6_src=::g",
            "dpctl/flush-conntrack ct_ipv6_src=1::2::3",
            "dpctl/flush-conntrack ct_ipv6_src=fe80::1%lo",
            "dpctl/flush-conntrack ct_ipv6_src=fc00::1,ct_nw_dst=1.1.1.1",
            "dpctl/flush-conntrack 'ct_nw_src=1.1.1.1 ct_nw_x=1'",
            "dpctl/flush-conntrack ct_nw_proto=x",
            "dpctl/flush-conntrack ct_nw_proto=256",
            "dpctl/flush-conntrack ct_nw_proto=-1",
            "dpctl/flush-conntrack ct_nw_proto=17,ct_tp_src=65536",
            "dpctl/flush-conntrack ct_tp_dst=1,ct_nw_proto=0",
            "dpctl/flush-conntrack ct_nw_proto=17,icmp_type=1",
            "dpctl/flush-conntrack ct_nw_proto=1,icmp_type=256",
            "dpctl/flush-conntrack ct_nw_proto=1,icmp_code=x",
            "dpctl/flush-conntrack ct_nw_proto=58,icmp_id=70000",
            "dpctl/flush-conntrack icmp_id=7,ct_nw_proto=1",
            "dpctl/flush-conntrack ct_nw_src=1.1.1.1,ct_nw_src=1.1.1.1",
            "dpctl/flush-conntrack foo zone=3");
    /** One after the other, each followed by a dump. */
    private static final List<String> FLUSHES = List.of(
            ONE + "1,ct_tp_dst=0x3",
            "zone=3 " + ONE + "1,ct_tp_dst=0x3",
            "zone=3 " + ONE + "0x2,ct_tp_dst=0x3",
            "zone=3 'ct_nw_src=10.0.0.1 ct_nw_proto=021\tct_tp_src=3'",
            "zone=3 ct_nw_src=10.0.0.2,ct_nw_dst=10.0.0.1,ct_nw_proto=17,ct_tp_src=3,ct_tp_dst=4",
            "'' ct_nw_src=10.0.0.2,ct_nw_proto=17,ct_tp_dst=5",
            "zone=4 ct_nw_proto=17,ct_tp_src=6",
            "zone=5 '' ct_nw_dst=10.9.9.9",
            "zone=4 ct_nw_proto=6",
            "ct_nw_src=10.0.0.9",
            "ct_ipv6_src=fd00::1,ct_ipv6_dst=fd00::2",
            "zone=4",
            "ct_nw_proto=17",
            "");

    private Differential both;

    @BeforeEach
    void start() {
        both = Differential.start("commands");
    }

    private void bridge() {
        both.bridge("br0", 2);
        for (int zone = 3; zone < 5; zone++) {
            for (String protocol : List.of("udp", "tcp", "udp6")) {
                both.ofctl("add-flow br0 priority=40000," + protocol + ",in_port=1,tp_dst=" + zone
                        + ",actions=ct(commit,zone=" + zone + ",exec(set_field:0x" + zone + "5->ct_mark)),2");
            }
        }
        both.ofctl("add-flow br0 udp,in_port=1,tp_dst=5,actions=ct(commit,zone=5,nat(src=10.9.9.9)),2");
        both.ofctl("add-flow br0 icmp,in_port=1,actions=ct(commit),2");
    }

    @AfterEach
    void stop() {
        both.close();
    }

    private void sendOfEveryKind() {
        for (int port = 1; port < 8; port++) {
            both.forward(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:3").payload(8));
        }
        for (int port = 5; port < 8; port++) {
            both.forward(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:4").payload(8));
            both.forward(Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:5").payload(8));
        }
        both.forward(Frames.udp("[fd00::1]:9 > [fd00::2]:4").payload(8));
        both.forward(Frames.tcp("10.0.0.1:9 > 10.0.0.2:4").syn());
        both.forward(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77));
        both.forward(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 78));
    }

    @Test
    void withoutDatapathThereIsNothingToCommand() {
        WITHOUT_DATAPATH.forEach(both::appctl);
        both.assertSame();
    }

    @Test
    void wordsAreReadAlike() {
        bridge();
        WORDS.forEach(both::appctl);
        FLUSHES_OF_NOTHING.forEach(both::appctl);
        both.assertSame();
    }

    @Test
    void whatIsFlushedAndWhatIsLeftIsTheSame() {
        bridge();
        sendOfEveryKind();
        both.appctl("dpctl/ct-stats-show");
        both.appctl("dpctl/ct-stats-show zone=4 -m");
        both.appctl("dpctl/ct-stats-show -m zone=4");
        both.appctl("dpctl/ct-stats-show verbose zone=4");
        both.appctl("dpctl/ct-stats-show zone=4 verbose");
        both.appctlSorted(DUMP);
        both.appctlSorted(DUMP + " -m zone=4");
        both.appctlSorted(DUMP + " zone=4 -m");
        for (String flush : FLUSHES) {
            both.appctl("dpctl/flush-conntrack " + flush);
            both.appctlSorted(DUMP);
        }
        both.assertSame();
    }

    /**
     * Open vSwitch wants id, type and code of both tuples to be those given, and zero where none is, so that part of an
     * ICMP tuple finds nothing unless it is an answer's (decision 20).
     */
    @Test
    void partOfAnIcmpTupleFindsPingsHereAndNothingThere() {
        bridge();
        both.forward(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77));
        both.forward(Frames.echoRequest("10.0.0.1 > 10.0.0.2", 78));
        String ping = "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=1,icmp_type=8,icmp_code=0,icmp_id=";
        both.appctl("dpctl/flush-conntrack " + ping + "79");
        both.appctl("dpctl/ct-get-nconns");
        both.assertSame();
        assertThat(leftAfter(both.ours(), "ct_nw_proto=1,icmp_id=77")).isEqualTo("1");
        assertThat(leftAfter(both.theirs(), "ct_nw_proto=1,icmp_id=77")).isEqualTo("2");
        for (LabSwitch sw : List.of(both.ours(), both.theirs())) {
            sw.ofctl("ct-flush", "br0", "ct_nw_src=10.0.0.1,ct_nw_proto=1,icmp_id=78,icmp_type=8")
                    .run();
        }
        assertThat(connections(both.ours())).isEqualTo("0");
        assertThat(connections(both.theirs())).isEqualTo("2");
    }

    private static String leftAfter(LabSwitch sw, String flush) {
        sw.appctl("dpctl/flush-conntrack", flush).run();
        return connections(sw);
    }

    private static String connections(LabSwitch sw) {
        return sw.appctl("dpctl/ct-get-nconns").run().text();
    }

    @Test
    void limitsHold() {
        bridge();
        both.appctl("dpctl/ct-set-limits zone=3,limit=2 zone=4,limit=1 zone=5,limit=0");
        sendOfEveryKind();
        both.appctlSorted(DUMP);
        both.appctl("dpctl/ct-get-limits");
        both.appctl("dpctl/ct-get-limits zone=3,4,5");
        both.appctl("dpctl/ct-set-maxconns 0");
        both.appctl("dpctl/ct-del-limits zone=4,5");
        sendOfEveryKind();
        both.appctlSorted(DUMP);
        both.appctl("dpctl/ct-set-maxconns 4");
        sendOfEveryKind();
        both.appctl("dpctl/ct-get-nconns");
        both.assertSame();
    }

    @Test
    void toolsFlushByOpenFlow() {
        bridge();
        sendOfEveryKind();
        both.ofctl("ct-flush-zone br0 4");
        both.appctlSorted(DUMP);
        both.ofctl("ct-flush-zone br0 70000");
        both.ofctl("-O OpenFlow13 ct-flush br0 zone=3 ct_nw_proto=17,ct_tp_src=1");
        both.ofctl("-O OpenFlow13 ct-flush br0 zone=5 '' ct_nw_dst=10.9.9.9,ct_nw_proto=17,ct_tp_dst=6");
        both.appctlSorted(DUMP);
        both.ofctl("ct-flush br0 foo=1");
        both.ofctl("-O OpenFlow15 ct-flush br0 zone=3");
        both.appctlSorted(DUMP);
        both.ofctl("ct-flush br0");
        both.appctlSorted(DUMP);
        both.assertSame();
    }
}
