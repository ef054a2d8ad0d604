package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Decisions 21 and 22 under flow tables like those of OVN and antrea, which were made for the kernel's tracker: what is
 * said on a link passes, and so does a policy's refusal; a reset or FIN of no connection begins none.
 *
 * <p>Port 1 is a guest that may ask, port 2 one that may answer.
 */
class UsualPipelinesTest {
    private static final String ASK = "10.0.0.1:1000 > 10.0.0.2:80";
    private static final String ASK6 = "[fc00::1]:1000 > [fc00::2]:80";
    private static final String SERVICE = "10.9.9.9";

    /** The tables, without what they have for other features; {@code ct_mark} bit 0 is OVN's "blocked". */
    private enum Pipeline {
        /** A logical switch with ACLs that say allow-related for what port 1 begins, and drop for the rest. */
        OVN("""
            priority=110,icmp6,nw_ttl=255,icmp_type=133,icmp_code=0 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=255,icmp_type=134,icmp_code=0 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=255,icmp_type=135,icmp_code=0 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=255,icmp_type=136,icmp_code=0 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=1,icmp_type=130 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=1,icmp_type=131 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=1,icmp_type=132 actions=resubmit(,8)
            priority=110,icmp6,nw_ttl=1,icmp_type=143 actions=resubmit(,8)
            """ + Pipeline.ACLS),
        /** The same with everything to the tracker, as where somebody has forgotten those flows. */
        OVN_WITHOUT_EXCEPTIONS(Pipeline.ACLS),
        /** The tables from ConntrackZone to ConntrackCommit; before them some ICMPv6 goes its own way. */
        ANTREA("""
            priority=200,icmp6,icmp_type=135,icmp_code=0 actions=NORMAL
            priority=200,icmp6,icmp_type=136,icmp_code=0 actions=NORMAL
            priority=200,ipv6,ipv6_dst=ff00::/8 actions=NORMAL
            """ + Pipeline.STATES),
        ANTREA_WITHOUT_EXCEPTIONS(Pipeline.STATES);

        private static final String ACLS = """
            priority=100,ip actions=ct(table=8,zone=1)
            priority=100,ipv6 actions=ct(table=8,zone=1)
            table=8,priority=65532,ct_state=+inv+trk actions=drop
            table=8,priority=65532,ct_state=+est-rel+rpl+trk,ct_mark=0/1 actions=resubmit(,9)
            table=8,priority=65532,ct_state=-new-est+rel+trk,ct_mark=0/1 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=255,icmp_type=133,icmp_code=0 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=255,icmp_type=134,icmp_code=0 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=255,icmp_type=135,icmp_code=0 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=255,icmp_type=136,icmp_code=0 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=1,icmp_type=130 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=1,icmp_type=131 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=1,icmp_type=132 actions=resubmit(,9)
            table=8,priority=65532,icmp6,nw_ttl=1,icmp_type=143 actions=resubmit(,9)
            table=8,priority=2000,in_port=1,ip,ct_state=+new-est+trk actions=ct(commit,zone=1),resubmit(,9)
            table=8,priority=2000,in_port=1,ipv6,ct_state=+new-est+trk actions=ct(commit,zone=1),resubmit(,9)
            table=8,priority=2000,in_port=1,ct_state=-new+est-rpl+trk,ct_mark=0/1 actions=resubmit(,9)
            table=9,in_port=1 actions=2
            table=9,in_port=2 actions=1
            """;

        private static final String STATES = """
            priority=190,ip actions=ct(table=1,zone=65520,nat)
            priority=190,ipv6 actions=ct(table=1,zone=65510,nat)
            table=1,priority=200,ip,ct_state=+inv+trk actions=drop
            table=1,priority=200,ipv6,ct_state=+inv+trk actions=drop
            table=1,priority=190,ip,ct_state=-new+trk actions=goto_table:3
            table=1,priority=190,ipv6,ct_state=-new+trk actions=goto_table:3
            table=1,priority=0 actions=goto_table:2
            table=2,priority=200,tcp,nw_dst=10.9.9.9 actions=ct(commit,table=3,zone=65520,nat(dst=10.0.0.2:80))
            table=2,priority=0 actions=goto_table:3
            table=3,priority=190,ip,ct_state=+new+trk actions=ct(commit,table=4,zone=65520)
            table=3,priority=190,ipv6,ct_state=+new+trk actions=ct(commit,table=4,zone=65510)
            table=3,priority=0 actions=goto_table:4
            table=4,in_port=1 actions=2
            table=4,in_port=2 actions=1
            """;

        private final String flows;

        Pipeline(String flows) {
            this.flows = flows;
        }

        private EmbeddedSwitch start() {
            EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2);
            sw.deleteFlows();
            sw.flows(flows);
            return sw;
        }
    }

    private static List<byte[]> through(EmbeddedSwitch sw, int from, Frame frame) {
        sw.receive(from, frame);
        return sw.takeSentBytes(3 - from);
    }

    @ParameterizedTest
    @EnumSource
    void neighboursFindEachOtherAndListenersAreHeard(Pipeline pipeline) {
        try (EmbeddedSwitch sw = pipeline.start()) {
            for (int port = 1; port <= 2; port++) {
                for (int type : new int[] {130, 131, 132, 133, 134, 135, 136, 143}) {
                    boolean ofListeners = type < 133 || type == 143;
                    for (String ends : List.of("fe80::1 > ff02::16", "fe80::1 > fe80::2")) {
                        Frame frame = Frames.icmp(ends, type, 0, 0)
                                .ttl(ofListeners ? 1 : 255)
                                .payload(20);
                        assertThat(through(sw, port, frame))
                                .as("type %d, %s, from port %d", type, ends, port)
                                .containsExactly(frame.bytes());
                    }
                }
            }
            assertThat(sw.dumpConnections()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatBeginsNothingIsDroppedAndLeavesNothing(Pipeline pipeline) {
        try (EmbeddedSwitch sw = pipeline.start()) {
            for (String ends : List.of(ASK, ASK6)) {
                for (String segment : List.of("[R] seq 1", "[R.] seq 0 ack 1", "[F.] seq 1 ack 1")) {
                    for (int port = 1; port <= 2; port++) {
                        assertThat(through(sw, port, Frames.tcp(ends).segment(segment)))
                                .as("%s from port %d", segment, port)
                                .isEmpty();
                    }
                }
            }
            assertThat(sw.dumpConnections()).isEmpty();
        }
    }

    /** A switch that has just been started: whoever talks on is picked up, and the FIN comes through, sent again. */
    @ParameterizedTest
    @EnumSource
    void whoTalksOnIsPickedUpAndMayEnd(Pipeline pipeline) {
        try (EmbeddedSwitch sw = pipeline.start()) {
            for (String ends : List.of(ASK, ASK6)) {
                assertThat(through(sw, 1, Frames.tcp(ends).segment("[P.] seq 100 ack 200 len 10")))
                        .hasSize(1);
                String back = ends.replaceAll("(.*) > (.*)", "$2 > $1");
                assertThat(through(sw, 2, Frames.tcp(back).segment("[F.] seq 200 ack 110")))
                        .hasSize(1);
                assertThat(through(sw, 1, Frames.tcp(ends).segment("[F.] seq 110 ack 201")))
                        .hasSize(1);
            }
        }
    }

    /** Both controllers refuse in a server's name with RST and ACK, number 0, and one more than the SYN's number. */
    @ParameterizedTest
    @EnumSource
    void aPolicysRefusalArrives(Pipeline pipeline) {
        try (EmbeddedSwitch sw = pipeline.start()) {
            for (String ends : List.of(ASK, ASK6)) {
                String back = ends.replaceAll("(.*) > (.*)", "$2 > $1");
                for (long number : new long[] {7, 0xffff_ffffL}) {
                    Frame syn = Frames.tcp(ends).syn().seq(number);
                    assertThat(through(sw, 1, syn)).hasSize(1);
                    Frame refusal = Frames.tcp(back).segment("[R.] seq 0 ack " + (number + 1 & 0xffff_ffffL));
                    assertThat(through(sw, 2, refusal)).containsExactly(refusal.bytes());
                    assertThat(through(sw, 1, syn)).as("another try").hasSize(1);
                }
            }
        }
    }

    @Test
    void aServicesRefusalArrivesTranslated() {
        try (EmbeddedSwitch sw = Pipeline.ANTREA.start()) {
            assertThat(through(
                            sw,
                            1,
                            Frames.tcp("10.0.0.1:1000 > " + SERVICE + ":443")
                                    .syn()
                                    .seq(7)))
                    .containsExactly(Frames.tcp(ASK).syn().seq(7).bytes());
            assertThat(through(sw, 2, Frames.tcp("10.0.0.2:80 > 10.0.0.1:1000").segment("[R.] seq 0 ack 8")))
                    .containsExactly(Frames.tcp(SERVICE + ":443 > 10.0.0.1:1000")
                            .segment("[R.] seq 0 ack 8")
                            .bytes());
        }
    }

    /**
     * Floating addresses: a packet is tracked, gets another tuple by the flows, and is tracked again in the same zone.
     */
    @Test
    void aTupleThatFlowsHaveChangedIsAnotherConnectionOfTheSameZone() {
        try (EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2)) {
            sw.deleteFlows();
            sw.flows("""
                priority=10,ip actions=ct(table=1)
                table=1,priority=20,ip,ct_state=+trk+est,nw_dst=10.254.254.0/24 actions=goto_table:2
                table=1,priority=20,ip,ct_state=+trk+new,nw_dst=10.254.254.0/24 actions=ct(commit,exec(set_field:1->ct_mark),table=2)
                table=2,ip,nw_dst=10.254.254.1 actions=set_field:10.1.1.1->nw_dst,goto_table:3
                table=2,ip,nw_dst=10.254.254.2 actions=set_field:10.1.1.2->nw_dst,goto_table:3
                table=3,ip,nw_src=10.1.1.1 actions=set_field:10.254.254.1->nw_src,goto_table:7
                table=3,ip,nw_src=10.1.1.2 actions=set_field:10.254.254.2->nw_src,goto_table:7
                table=7,ip actions=ct(table=8)
                table=8,ip,ct_state=+trk+est actions=goto_table:9
                table=8,ip,ct_mark=0x0,ct_state=+trk+new actions=ct(commit,exec(set_field:2->ct_mark),table=9)
                table=9,ip,nw_dst=10.1.1.1 actions=output:1
                table=9,ip,nw_dst=10.1.1.2 actions=output:2
                """);
            assertThat(through(
                            sw,
                            2,
                            Frames.tcp("10.1.1.2:1000 > 10.254.254.1:1234").syn()))
                    .as("SYN")
                    .hasSize(1);
            assertThat(through(
                            sw,
                            1,
                            Frames.tcp("10.1.1.1:1234 > 10.254.254.2:1000")
                                    .syn()
                                    .ack()))
                    .as("SYN|ACK")
                    .hasSize(1);
            assertThat(through(
                            sw,
                            2,
                            Frames.tcp("10.1.1.2:1000 > 10.254.254.1:1234").ack()))
                    .as("ACK")
                    .hasSize(1);
            assertThat(sw.dumpConnections())
                    .anyMatch(line -> line.contains("orig=(src=10.1.1.2,dst=10.254.254.1,") && line.contains("mark=1"))
                    .anyMatch(line -> line.contains("orig=(src=10.254.254.2,dst=10.1.1.1,") && line.contains("mark=2"))
                    .hasSize(2);
        }
    }
}
