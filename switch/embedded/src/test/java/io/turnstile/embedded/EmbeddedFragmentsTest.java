package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.fragment.FragmentFamily;
import io.turnstile.datapath.DropReason;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.PacketBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fragments through a stateful firewall: tracked as what they are pieces of, sent on as they came. */
class EmbeddedFragmentsTest {
    private static final String FIREWALL = """
            priority=10,in_port=1,ip,ct_state=-trk actions=ct(commit,table=1)
            priority=10,in_port=1,ipv6,ct_state=-trk actions=ct(commit,table=1)
            priority=10,in_port=2,ip,ct_state=-trk actions=ct(table=1)
            priority=10,in_port=2,ipv6,ct_state=-trk actions=ct(table=1)
            table=1,in_port=1,ct_state=+trk-inv actions=2
            table=1,in_port=2,ct_state=+trk+est actions=1
            table=1,priority=50,ct_state=+trk+inv actions=3
            """;
    private final EmbeddedSwitch sw = new EmbeddedSwitchBuilder().ports(1, 2, 3).start();

    @BeforeEach
    void empty() {
        sw.deleteFlows();
    }

    @AfterEach
    void end() {
        sw.close();
    }

    private static byte[] request(FragmentFamily family, int payloadBytes) {
        byte[] payload = new byte[payloadBytes];
        new Random(payloadBytes).nextBytes(payload);
        return (family == FragmentFamily.IPV4
                        ? Frames.udp("10.0.0.1:1000 > 10.0.0.2:2000")
                        : Frames.udp("[fd00::1]:1000 > [fd00::2]:2000"))
                .payload(payload)
                .bytes();
    }

    private static byte[] reply(FragmentFamily family, int payloadBytes) {
        return (family == FragmentFamily.IPV4
                        ? Frames.udp("10.0.0.2:2000 > 10.0.0.1:1000")
                        : Frames.udp("[fd00::2]:2000 > [fd00::1]:1000"))
                .payload(payloadBytes)
                .bytes();
    }

    private static List<byte[]> cut(byte[] frame, int id) {
        int dataBytes = frame.length - 54;
        return FrameFragments.cut(
                frame,
                id,
                IntStream.iterate(1480, at -> at < dataBytes, at -> at + 1480).toArray());
    }

    private void receive(int port, List<byte[]> frames) {
        frames.forEach(frame -> sw.receive(port, frame));
    }

    /** One after the other without a pause, the first of 32 last. */
    private void receiveTogether(int port, List<byte[]> frames) {
        for (int from = 0; from < frames.size(); from += PacketBatch.CAPACITY) {
            List<byte[]> batch = frames.subList(from, Math.min(frames.size(), from + PacketBatch.CAPACITY));
            batch.subList(1, batch.size()).forEach(sw.port(port)::deliver);
            sw.receive(port, batch.getFirst());
        }
    }

    private static void assertSame(List<byte[]> sent, List<byte[]> expected) {
        assertThat(digests(sent)).containsExactlyElementsOf(digests(expected));
    }

    /** Frames short enough to be read when they differ. */
    private static List<String> digests(List<byte[]> frames) {
        return frames.stream()
                .map(frame -> frame.length + " bytes, " + HexFormat.of().formatHex(frame, 14, 24) + ", hash "
                        + Arrays.hashCode(frame))
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void fragmentsAreTrackedAsOnePacketAndSentOnAsTheyCame(FragmentFamily family) {
        sw.flows(FIREWALL);
        List<byte[]> question = cut(request(family, 5000), 1);
        receive(1, question.subList(0, 3));
        assertThat(sw.takeSentBytes(2)).as("while one is missing").isEmpty();
        assertThat(sw.conntrack().connectionCount()).isZero();
        receive(1, question.subList(3, 4));
        assertSame(sw.takeSentBytes(2), question);
        assertThat(sw.conntrack().connectionCount()).isEqualTo(1);

        List<byte[]> answer = cut(reply(family, 4000), 2);
        receive(2, answer.reversed());
        assertSame(sw.takeSentBytes(1), answer);
        assertThat(sw.takeSentBytes(3)).isEmpty();
        assertThat(sw.dumpConnections()).singleElement().asString().contains("sport=1000,dport=2000");
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNotAskedForIsNotLetThroughInPiecesEither(FragmentFamily family) {
        sw.flows(FIREWALL);
        receive(2, cut(reply(family, 4000), 2));
        assertThat(sw.takeSentBytes(1)).isEmpty();
        assertThat(sw.takeSentBytes(3)).as("new is not invalid").isEmpty();
    }

    @Test
    void moreFragmentsThanABatchHoldsAllGoOnInOrder() {
        sw.flows(FIREWALL);
        sw.fragments().setMinFragmentBytes(FragmentFamily.IPV4, 400);
        byte[] frame = request(FragmentFamily.IPV4, 60_000);
        List<byte[]> fragments = FrameFragments.cut(
                frame, 1, IntStream.range(1, 150).map(i -> i * 400).toArray());
        List<byte[]> mixed = new ArrayList<>(fragments);
        Collections.shuffle(mixed, new Random(1));
        receiveTogether(1, mixed);
        assertSame(sw.takeSentBytes(2), fragments);
    }

    @Test
    void manyDatagramsCompletedInOneBatchAllGoOn() {
        sw.flows(FIREWALL);
        List<byte[]> heads = new ArrayList<>();
        List<byte[]> tails = new ArrayList<>();
        List<byte[]> expected = new ArrayList<>();
        for (int id = 0; id < 32; id++) {
            List<byte[]> fragments = cut(request(FragmentFamily.values()[id % 2], 5500), id);
            heads.addAll(fragments.subList(1, fragments.size()));
            tails.add(fragments.getFirst());
            expected.addAll(fragments);
        }
        receiveTogether(1, heads);
        assertThat(sw.takeSentBytes(2)).isEmpty();
        Collections.rotate(tails, 1);
        receiveTogether(1, tails);
        assertThat(digests(sw.takeSentBytes(2))).containsExactlyInAnyOrderElementsOf(digests(expected));
        assertThat(sw.fragments().status().held()).isZero();
    }

    @Test
    void fragmentsDoNotOvertakeOtherPackets() {
        sw.flows(FIREWALL);
        List<byte[]> fragments = cut(request(FragmentFamily.IPV4, 2000), 1);
        byte[] before = request(FragmentFamily.IPV4, 1);
        byte[] between = request(FragmentFamily.IPV4, 2);
        byte[] after = request(FragmentFamily.IPV4, 3);
        sw.receive(1, before); // the connection and its flow are there
        sw.takeSentBytes(2);
        receiveTogether(1, List.of(after, before, fragments.get(1), between, fragments.get(0)));
        assertSame(sw.takeSentBytes(2), List.of(before, between, fragments.get(0), fragments.get(1), after));
    }

    @Test
    void withoutRecirculationTheOtherActionsAreForTheFragments() {
        sw.flows("in_port=1,udp,actions=ct(commit),mod_dl_src:02:00:00:00:00:77,output:2,output:3");
        List<byte[]> fragments = cut(request(FragmentFamily.IPV4, 5000), 1);
        receive(1, fragments);
        List<byte[]> rewritten = fragments.stream().map(byte[]::clone).toList();
        rewritten.forEach(frame -> frame[11] = 0x77);
        assertSame(sw.takeSentBytes(2), rewritten);
        assertSame(sw.takeSentBytes(3), rewritten);
        assertThat(sw.conntrack().connectionCount()).isEqualTo(1);
    }

    @Test
    void markLabelAndTupleOfTheWholeAreMatchedOnEveryFragment() {
        sw.flows("""
                table=0,in_port=1,udp actions=ct(commit,zone=5,exec(set_field:7->ct_mark,set_field:9->ct_label),table=1)
                table=1,ct_state=+trk+new,ct_mark=7,ct_label=9,ct_zone=5,ct_nw_src=10.0.0.1,ct_nw_proto=17,\
                ct_tp_dst=2000,ip,nw_frag=first actions=2
                table=1,ct_state=+trk+new,ct_mark=7,ct_label=9,ct_zone=5,ct_nw_src=10.0.0.1,ct_nw_proto=17,\
                ct_tp_dst=2000,ip,nw_frag=later,tp_dst=0 actions=3
                """.replace(",tp_dst=0", ""));
        List<byte[]> fragments = cut(request(FragmentFamily.IPV4, 5000), 1);
        receive(1, fragments);
        assertSame(sw.takeSentBytes(2), fragments.subList(0, 1));
        assertSame(sw.takeSentBytes(3), fragments.subList(1, 4));
    }

    @ParameterizedTest
    @EnumSource
    void everyZoneOfAWalkTracksTheWhole(FragmentFamily family) {
        String type = family == FragmentFamily.IPV4 ? "udp" : "udp6";
        sw.flows("""
                table=0,in_port=1,%1$s actions=ct(commit,zone=1,table=1)
                table=0,in_port=1,%2$s actions=ct(commit,zone=1,table=1)
                table=1,%2$s,ct_zone=1,ct_state=+new-inv actions=ct(commit,zone=2,table=2)
                table=2,%2$s,ct_zone=2,ct_state=+new-inv actions=ct(commit,zone=3),2
                """.formatted(type, family == FragmentFamily.IPV4 ? "ip" : "ipv6"));
        List<byte[]> fragments = cut(request(family, 5000), 1);
        receive(1, fragments);
        assertSame(sw.takeSentBytes(2), fragments);
        assertThat(sw.conntrack().connectionCount()).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource
    void refusedAndSwitchedOffFragmentsAreInvalid(FragmentFamily family) {
        sw.flows(FIREWALL);
        List<byte[]> fragments = cut(request(family, 5000), 1);
        receive(1, fragments.subList(0, 2));
        receive(1, fragments.subList(1, 2));
        assertSame(sw.takeSentBytes(3), fragments.subList(1, 2));
        sw.fragments().setEnabled(family, false);
        receive(1, fragments);
        assertSame(sw.takeSentBytes(3), fragments);
        sw.fragments().setEnabled(family, true);
        receive(1, fragments.subList(2, 4));
        assertSame(sw.takeSentBytes(2), fragments);
    }

    @ParameterizedTest
    @EnumSource
    void whatNeverBecomesWholeIsDroppedAndCounted(FragmentFamily family) {
        sw.flows(FIREWALL);
        List<byte[]> fragments = cut(request(family, 5000), 1);
        receive(1, fragments.subList(1, 4));
        sw.advance(Duration.ofSeconds(14));
        assertThat(sw.fragments().status().held()).isEqualTo(3);
        sw.advance(Duration.ofSeconds(2));
        assertThat(sw.fragments().status().held()).isZero();
        assertThat(sw.drops(DropReason.FRAGMENT_EXPIRED)).isEqualTo(3);
        receive(1, fragments.subList(0, 1));
        assertThat(sw.takeSentBytes(2)).isEmpty();
    }

    @Test
    void aPacketOutCompletesADatagramToo() {
        sw.flows(FIREWALL);
        List<byte[]> fragments = cut(request(FragmentFamily.IPV4, 2500), 1);
        sw.packetOut(1, "ct(commit),output:3", fragments.get(1));
        assertThat(sw.takeSentBytes(3)).isEmpty();
        sw.packetOut(1, "ct(commit),output:3", fragments.get(0));
        assertSame(sw.takeSentBytes(3), fragments);
    }

    @Test
    void fragmentsThatMeetNoTrackerAreNotHeld() {
        sw.flows("in_port=1 actions=2");
        List<byte[]> fragments = cut(request(FragmentFamily.IPV4, 5000), 1);
        receive(1, fragments.subList(1, 2));
        assertSame(sw.takeSentBytes(2), fragments.subList(1, 2));
        assertThat(sw.fragments().status().ipv4().accepted()).isZero();
    }
}
