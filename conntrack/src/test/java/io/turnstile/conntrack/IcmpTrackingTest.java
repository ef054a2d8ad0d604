package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.icmp;
import static io.turnstile.packet.Frames.icmpError;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Questions, answers and errors of ICMP and ICMPv6; what errors quote may be anything at all. */
class IcmpTrackingTest {
    private static final String A4 = "10.0.0.1";
    private static final String B4 = "10.0.0.2";
    private static final String A6 = "fc00::1";
    private static final String B6 = "fc00::2";
    private static final int ETHERNET = 14;

    private final TrackerFixture ct = new TrackerFixture();

    @Test
    void onlyQuestionsBeginAConnection() {
        Set<Integer> questions = Set.of(8, 13, 15);
        for (int type = 0; type < 256; type++) {
            assertThat(ct.commit(icmp(A4 + " > " + B4, type, 0, 1)))
                    .as("type %d", type)
                    .isEqualTo(questions.contains(type) ? "new" : "inv");
            // What is said on a link among them, as it seems to have come through a router.
            assertThat(ct.commit(icmp(A6 + " > " + B6, type, 0, 1)))
                    .as("ICMPv6 type %d", type)
                    .isEqualTo(type == 128 ? "new" : "inv");
        }
        assertThat(ct.tracker.connectionCount()).isEqualTo(4);
    }

    /** RFC 4861, RFC 3122, RFC 3971; RFC 2710, RFC 3810, RFC 4286; RFC 4890 §4.4.1; decision 22. */
    @ParameterizedTest
    @CsvSource({
        "133, 255",
        "134, 255",
        "135, 255",
        "136, 255",
        "141, 255",
        "142, 255",
        "148, 255",
        "149, 255",
        "130, 1",
        "131, 1",
        "132, 1",
        "143, 1",
        "151, 1",
        "152, 1",
        "153, 1"
    })
    void whatIsSaidOnALinkIsOfNoConnection(int type, int hopLimit) {
        Frame frame = icmp("fe80::1 > ff02::1", type, 0, 7).ttl(hopLimit).payload(20);
        NatRequest nat =
                new NatRequest(NatRequest.Kind.SOURCE, false, 1, 1, 1, 1, 0, 0, false, NatRequest.Choice.DEFAULT);
        for (CtRequest request : List.of(
                CtRequest.lookup(9),
                CtRequest.commit(9),
                CtRequest.commit(9).with(nat),
                new CtRequest(9, true, true, 5, -1, 0, 0, 0, 0))) {
            Packet packet = ct.send(frame.packet(), request);
            assertThat(packet.ctState()).isEqualTo(CtState.TRK);
            assertThat(packet.ctZone()).isEqualTo(9);
            assertThat(packet.ctMark()).isZero();
            assertThat(packet.ctConnection()).isEqualTo(Conntrack.NO_CONNECTION);
            assertThat(packet.ctOriginal().protocol).isZero();
            assertThat(packet.toBytes()).isEqualTo(frame.bytes());
        }
        assertThat(ct.tracker.connectionCount()).isZero();
        assertThat(ct.tracker.invalid(InvalidReason.ICMP_TYPE)).isZero();
        assertThat(ct.look(frame.corruptChecksum())).isEqualTo("inv");
        for (int other : new int[] {hopLimit == 1 ? 255 : 1, 64, 254}) {
            assertThat(ct.look(icmp("fe80::1 > ff02::1", type, 0, 7).ttl(other).payload(20)))
                    .as("hop limit %d", other)
                    .isEqualTo("inv");
        }
    }

    @Test
    void othersAreNotSaidOnALink() {
        for (int hopLimit : new int[] {1, 255}) {
            for (int type : new int[] {137, 138, 139, 140, 144, 147, 150, 154, 200, 255}) {
                assertThat(ct.look(icmp("fe80::1 > ff02::1", type, 0, 7)
                                .ttl(hopLimit)
                                .payload(20)))
                        .as("type %d, redirect among them", type)
                        .isEqualTo("inv");
            }
            assertThat(ct.look(icmp("10.0.0.1 > 224.0.0.1", 135, 0, 7).ttl(hopLimit)))
                    .as("nor over IPv4")
                    .isEqualTo("inv");
            assertThat(ct.commit(icmp("fe80::1 > fe80::2", 128, 0, hopLimit).ttl(hopLimit)))
                    .isEqualTo("new");
        }
        assertThat(ct.look(icmp("fe80::1 > ff02::1", 135, 1, 7).ttl(255).payload(20)))
                .as("code")
                .isEqualTo("inv");
    }

    /** RFC 3810 §5: listeners' messages have the router alert option. */
    @Test
    void extensionHeadersAreNoObstacle() {
        byte[] frame = icmp("fe80::1 > ff02::16", 143, 0, 0).ttl(1).payload(20).bytes();
        byte[] behindEthernet = withHeader(frame, 0, new byte[] {0, 0, 5, 2, 0, 0, 1, 0});
        assertThat(TrackerFixture.state(ct.send(frameOf(frame, behindEthernet), CtRequest.commit(0))))
                .isEmpty();
    }

    /** RFC 6980 §5, in one piece (RFC 6946), too. */
    @Test
    void nothingIsSaidOnALinkInFragments() {
        byte[] frame = icmp("fe80::1 > ff02::1", 134, 0, 0).ttl(255).payload(20).bytes();
        byte[] behindEthernet = withHeader(frame, 44, new byte[] {0, 0, 0, 0, 0, 0, 0, 9});
        assertThat(TrackerFixture.state(ct.send(frameOf(frame, behindEthernet), CtRequest.commit(0))))
                .isEqualTo("inv");
        Packet whole = icmp("fe80::1 > ff02::1", 134, 0, 0).ttl(255).payload(20).packet();
        whole.setReassembled();
        assertThat(TrackerFixture.state(ct.send(whole, CtRequest.commit(0)))).isEqualTo("inv");
    }

    /** The Ethernet header of a frame, and an IPv6 packet with eight bytes more than its header says. */
    private static Packet frameOf(byte[] frame, byte[] behindEthernet) {
        ByteBuffer bytes = ByteBuffer.allocate(ETHERNET + behindEthernet.length)
                .put(frame, 0, ETHERNET)
                .put(behindEthernet);
        bytes.putShort(ETHERNET + 4, (short) (bytes.getShort(ETHERNET + 4) + 8));
        Packet packet = Packet.copyOf(bytes.array());
        PacketParser.parse(packet);
        return packet;
    }

    @ParameterizedTest
    @CsvSource({
        "8, 0, 10.0.0.1, 10.0.0.2, icmp",
        "13, 14, 10.0.0.1, 10.0.0.2, icmp",
        "15, 16, 10.0.0.1, 10.0.0.2, icmp",
        "128, 129, fc00::1, fc00::2, icmpv6"
    })
    void questionIsNewUntilAnswered(int question, int answer, String asker, String asked, String name) {
        String there = asker + " > " + asked;
        String back = asked + " > " + asker;
        assertThat(ct.look(icmp(back, answer, 0, 7))).as("nobody asked").isEqualTo("inv");
        assertThat(ct.pass(icmp(there, question, 0, 7))).isEqualTo("new");
        assertThat(ct.look(icmp(there, question, 0, 7))).isEqualTo("new");
        assertThat(ct.dump(false, true).getFirst()).contains("timeout=60");
        assertThat(ct.look(icmp(back, answer, 0, 8))).as("another identifier").isEqualTo("inv");
        assertThat(ct.look(icmp(back, answer, 1, 7))).as("code").isEqualTo("inv");
        assertThat(ct.look(icmp(there, answer, 0, 7)))
                .as("the asker answers itself")
                .isEqualTo("inv");
        assertThat(ct.look(icmp(back, question, 0, 7)))
                .as("asked the other way")
                .isEqualTo("new");
        assertThat(ct.look(icmp(back, answer, 0, 7))).isEqualTo("est|rpl");
        assertThat(ct.look(icmp(there, question, 0, 7))).isEqualTo("est");
        assertThat(ct.dump(true, true))
                .containsExactly(name + ",orig=(src=" + asker + ",dst=" + asked + ",id=7,type="
                        + question + ",code=0),reply=(src=" + asked + ",dst=" + asker + ",id=7,type=" + answer
                        + ",code=0),id=0,status=0,timeout=30");
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5, 11, 12})
    void errorsOfEachTypeAreRelated(int type) {
        Frame question = udp("10.0.0.1:5 > 10.0.0.2:6");
        ct.commit(question);
        for (int code = 0; code < 6; code++) {
            assertThat(ct.look(icmpError("10.9.9.9 > 10.0.0.1", type, code, question.bytes())))
                    .isEqualTo("rel|rpl");
        }
        ct.look(udp("10.0.0.2:6 > 10.0.0.1:5"));
        assertThat(ct.look(icmpError(
                        "10.9.9.9 > 10.0.0.2",
                        type,
                        0,
                        udp("10.0.0.2:6 > 10.0.0.1:5").bytes())))
                .as("about an answer")
                .isEqualTo("rel");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void errorsOfEachTypeAreRelatedOverIpv6(int type) {
        Frame question = tcp("[fc00::1]:5 > [fc00::2]:6").syn();
        ct.commit(question);
        assertThat(ct.look(icmpError("fc00::9 > fc00::1", type, 0, question.bytes())))
                .isEqualTo("rel|rpl");
        Frame answer = tcp("[fc00::2]:6 > [fc00::1]:5").synAck();
        assertThat(ct.look(icmpError("fc00::9 > fc00::2", type, 0, answer.bytes())))
                .as("about an answer")
                .isEqualTo("rel");
    }

    @Test
    void errorAboutAPingIsRelated() {
        for (String[] ends : new String[][] {{A4, B4}, {A6, B6}}) {
            Frame question = Frames.echoRequest(ends[0] + " > " + ends[1], 77);
            ct.commit(question);
            assertThat(ct.look(Frames.portUnreachable(ends[1] + " > " + ends[0], question.bytes())))
                    .isEqualTo("rel|rpl");
            Frame answer = Frames.echoReply(ends[1] + " > " + ends[0], 77);
            assertThat(ct.look(Frames.portUnreachable(ends[0] + " > " + ends[1], answer.bytes())))
                    .isEqualTo("rel");
            Frame another = Frames.echoRequest(ends[0] + " > " + ends[1], 78);
            assertThat(ct.look(Frames.portUnreachable(ends[1] + " > " + ends[0], another.bytes())))
                    .isEqualTo("inv");
        }
    }

    @Test
    void relatedPacketHasMarkLabelAndTupleOfItsConnection() {
        Frame question = udp("10.0.0.1:5000 > 10.0.0.2:53");
        ct.send(question.packet(), new CtRequest(9, true, false, 0x77, -1, 0x11, 0x22, -1, -1));
        Frame frame = Frames.portUnreachable("10.0.0.2 > 10.0.0.1", question.bytes());
        Packet error = ct.send(frame.packet(), CtRequest.lookup(9));
        assertThat(TrackerFixture.state(error)).isEqualTo("rel|rpl");
        assertThat(error.ctMark()).isEqualTo(0x77);
        assertThat(error.ctLabelHigh()).isEqualTo(0x11);
        assertThat(error.ctLabelLow()).isEqualTo(0x22);
        assertThat(error.ctOriginal().sourceLow).isEqualTo(0x0a000001);
        assertThat(error.ctOriginal().destinationLow).isEqualTo(0x0a000002);
        assertThat(error.ctOriginal().sourcePort).isEqualTo(5000);
        assertThat(error.ctOriginal().destinationPort).isEqualTo(53);
        assertThat(error.ctOriginal().protocol).isEqualTo(17);
        assertThat(TrackerFixture.state(ct.send(error, CtRequest.lookup(8))))
                .as("not in another zone")
                .isEqualTo("inv");
    }

    @Test
    void errorMovesAndProlongsNothing() {
        Frame question = tcp("10.0.0.1:5 > 10.0.0.2:6").syn().seq(1);
        ct.commit(question);
        ct.advance(Duration.ofSeconds(10));
        Frame error = Frames.portUnreachable("10.0.0.2 > 10.0.0.1", question.bytes());
        assertThat(ct.look(error)).isEqualTo("rel|rpl");
        assertThat(ct.commit(error)).as("nor does committing it").isEqualTo("rel|rpl");
        assertThat(ct.dump(true, true))
                .singleElement()
                .asString()
                .contains("timeout=20,")
                .contains("state_orig=SYN_SENT,state_reply=CLOSED");
    }

    @Test
    void quotedPacketHasItsAddressesAndPorts() {
        Frame question = udp("10.0.0.1:5 > 10.0.0.2:6");
        ct.commit(question);
        assertThat(ct.look(Frames.portUnreachable("10.0.0.2 > 10.0.0.3", question.bytes())))
                .as("not to its sender")
                .isEqualTo("inv");
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1", udp("10.0.0.1:5 > 10.0.0.2:7").bytes())))
                .as("another port")
                .isEqualTo("inv");
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1",
                        tcp("10.0.0.1:5 > 10.0.0.2:6").syn().bytes())))
                .as("another protocol")
                .isEqualTo("inv");
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1", udp("10.0.0.1:0 > 10.0.0.2:6").bytes())))
                .as("port 0")
                .isEqualTo("inv");
        Frame question6 = udp("[fc00::1]:5 > [fc00::2]:6");
        ct.commit(question6);
        for (String receiver : new String[] {"fc00::3", "fc01::1"}) {
            assertThat(ct.look(Frames.portUnreachable("fc00::2 > " + receiver, question6.bytes())))
                    .isEqualTo("inv");
        }
        Frame error = Frames.portUnreachable("10.0.0.2 > 10.0.0.1", question.bytes());
        assertThat(ct.look(Frames.portUnreachable("10.0.0.1 > 10.0.0.2", error.bytes())))
                .as("an error about an error")
                .isEqualTo("inv");
        assertThat(ct.look(error.corruptChecksum())).isEqualTo("inv");
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1",
                        question.corruptChecksum().corruptNetworkChecksum().bytes())))
                .as("sums of a quote are the quoter's business")
                .isEqualTo("rel|rpl");
    }

    /** RFC 792: eight bytes of the transport header are enough, one less is not. ICMPv6 quotes the header whole. */
    @Test
    void quoteMayBeCutShort() {
        byte[] question = tcp("10.0.0.1:5 > 10.0.0.2:6").syn().payload(30).bytes();
        ct.commit(tcp("10.0.0.1:5 > 10.0.0.2:6").syn());
        byte[] question6 = tcp("[fc00::1]:5 > [fc00::2]:6").syn().payload(30).bytes();
        ct.commit(tcp("[fc00::1]:5 > [fc00::2]:6").syn());
        for (int sizeBytes = 0; sizeBytes <= 70; sizeBytes++) {
            assertThat(ct.look(icmp("10.0.0.2 > 10.0.0.1", 3, 1, 0).payload(quote(question, sizeBytes))))
                    .as("%d bytes", sizeBytes)
                    .isEqualTo(sizeBytes >= 28 ? "rel|rpl" : "inv");
            assertThat(ct.look(icmp("fc00::2 > fc00::1", 1, 1, 0).payload(quote(question6, sizeBytes))))
                    .as("%d bytes of IPv6", sizeBytes)
                    .isEqualTo(sizeBytes >= 60 ? "rel|rpl" : "inv");
        }
    }

    @Test
    void quotedHeaderThatContradictsItselfIsInvalid() {
        ct.commit(udp("10.0.0.1:5 > 10.0.0.2:6"));
        byte[] good = quote(udp("10.0.0.1:5 > 10.0.0.2:6").payload(40).bytes(), 60);
        for (int first = 0; first < 256; first++) {
            byte[] quote = good.clone();
            quote[0] = (byte) first;
            String expected = first == 0x45 ? "rel|rpl" : "inv";
            assertThat(ct.look(icmp("10.0.0.2 > 10.0.0.1", 3, 1, 0).payload(quote)))
                    .as("%02x", first)
                    .isEqualTo(expected);
        }
    }

    @Test
    void quoteMayBeAFirstFragmentButNoLaterOne() {
        ct.commit(udp("10.0.0.1:5 > 10.0.0.2:6"));
        ct.commit(udp("[fc00::1]:5 > [fc00::2]:6"));
        for (int offset : new int[] {0, 1, 185}) {
            String expected = offset == 0 ? "rel|rpl" : "inv";
            byte[] quote = quote(udp("10.0.0.1:5 > 10.0.0.2:6").payload(40).bytes(), 60);
            ByteBuffer.wrap(quote).putShort(6, (short) (0x2000 | offset));
            assertThat(ct.look(icmp("10.0.0.9 > 10.0.0.1", 11, 1, 0).payload(quote)))
                    .isEqualTo(expected);
            byte[] quote6 =
                    withHeader(udp("[fc00::1]:5 > [fc00::2]:6").payload(40).bytes(), 44, new byte[] {
                        0, 0, (byte) (offset >>> 5), (byte) (offset << 3 | 1), 0, 0, 0, 9
                    });
            assertThat(ct.look(icmp("fc00::9 > fc00::1", 3, 1, 0).payload(quote6)))
                    .isEqualTo(expected);
        }
    }

    @Test
    void extensionHeadersOfAQuoteAreWalked() {
        ct.commit(udp("[fc00::1]:5 > [fc00::2]:6"));
        byte[] udp = udp("[fc00::1]:5 > [fc00::2]:6").payload(40).bytes();
        for (int header : new int[] {0, 43, 60}) {
            assertThat(ct.look(icmp("fc00::9 > fc00::1", 1, 1, 0).payload(withHeader(udp, header, new byte[8]))))
                    .as("header %d", header)
                    .isEqualTo("rel|rpl");
            byte[] endless = new byte[8];
            endless[1] = (byte) 0xff;
            assertThat(ct.look(icmp("fc00::9 > fc00::1", 1, 1, 0).payload(withHeader(udp, header, endless))))
                    .as("header %d beyond the quote", header)
                    .isEqualTo("inv");
        }
        assertThat(ct.look(icmp("fc00::9 > fc00::1", 1, 1, 0)
                        .payload(withHeader(udp, 51, new byte[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))))
                .as("authentication")
                .isEqualTo("rel|rpl");
    }

    @Test
    void oneFamilysIcmpInTheOtherIsAnyOtherProtocol() {
        byte[] bytes = Frames.ip("fc00::1 > fc00::2", 99)
                .payload(new byte[] {8, 0, 1, 2, 0, 7, 0, 0})
                .bytes();
        bytes[ETHERNET + 6] = 1;
        Packet packet = Packet.copyOf(bytes);
        PacketParser.parse(packet);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.commit(0)))).isEqualTo("new");
        assertThat(ct.dump()).singleElement().asString().startsWith("icmp,orig=(src=fc00::1,dst=fc00::2,");
    }

    /** Nothing thrown, nothing committed, whatever is quoted; the seed is the parameter. */
    @ParameterizedTest
    @ValueSource(longs = {21, 22})
    void hostileQuotesAreSurvived(long seed) {
        Random random = new Random(seed);
        ct.commit(udp("10.0.0.1:5 > 10.0.0.2:6"));
        ct.commit(udp("[fc00::1]:5 > [fc00::2]:6"));
        byte[] four = quote(udp("10.0.0.1:5 > 10.0.0.2:6").payload(20).bytes(), 48);
        byte[] six = quote(udp("[fc00::1]:5 > [fc00::2]:6").payload(20).bytes(), 68);
        for (int round = 0; round < 20_000; round++) {
            boolean ipv6 = random.nextBoolean();
            byte[] quote = (ipv6 ? six : four).clone();
            for (int change = random.nextInt(4); change >= 0; change--) {
                quote[random.nextInt(quote.length)] = (byte) random.nextInt();
            }
            quote = Arrays.copyOf(quote, random.nextInt(quote.length + 1));
            String state = ct.commit(
                    ipv6
                            ? icmp("fc00::9 > fc00::1", 1, 1, 0).payload(quote)
                            : icmp("10.0.0.9 > 10.0.0.1", 3, 1, 0).payload(quote));
            assertThat(state).as("seed %d, round %d", seed, round).isIn("inv", "rel|rpl");
        }
        assertThat(ct.tracker.connectionCount()).isEqualTo(2);
    }

    private static byte[] quote(byte[] frame, int sizeBytes) {
        return Arrays.copyOfRange(frame, ETHERNET, ETHERNET + sizeBytes);
    }

    /**
     * The quote of an IPv6 frame with an extension header put in; its first byte becomes the number of what follows.
     */
    private static byte[] withHeader(byte[] frame, int number, byte[] header) {
        byte[] network = quote(frame, 40);
        byte[] own = header.clone();
        own[0] = network[6];
        network[6] = (byte) number;
        byte[] rest = Arrays.copyOfRange(frame, ETHERNET + 40, frame.length);
        ByteBuffer out = ByteBuffer.allocate(40 + own.length + rest.length);
        List.of(network, own, rest).forEach(out::put);
        return out.array();
    }
}
