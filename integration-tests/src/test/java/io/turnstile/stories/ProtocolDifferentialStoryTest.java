package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * UDP, ICMP, ICMPv6 and everything but TCP through both switches: the same ct_state for each frame, the same
 * connections after them; where ours differs on purpose, both answers are written here.
 */
@Tag("system")
class ProtocolDifferentialStoryTest {
    private static final String FOUR = "10.0.0.1 > 10.0.0.2";
    private static final String FOUR_BACK = "10.0.0.2 > 10.0.0.1";
    private static final String SIX = "fc00::1 > fc00::2";
    private static final String SIX_BACK = "fc00::2 > fc00::1";
    private static final int ETHERNET = 14;
    private static StateProbe probe;

    @BeforeAll
    static void start() {
        probe = new StateProbe("proto");
    }

    @AfterAll
    static void stop() {
        probe.close();
    }

    @Test
    void udpIsAlike() {
        flush();
        for (String[] ends : new String[][] {
            {"10.0.0.1:5 > 10.0.0.2:6", "10.0.0.2:6 > 10.0.0.1:5"},
            {"[fc00::1]:5 > [fc00::2]:6", "[fc00::2]:6 > [fc00::1]:5"}
        }) {
            Frame there = Frames.udp(ends[0]).payload(3);
            Frame back = Frames.udp(ends[1]).payload(9);
            alike(
                    "udp",
                    1,
                    there,
                    Frames.udp(ends[0]).corruptChecksum(),
                    Frames.udp(ends[0]).withoutChecksum(),
                    there);
            probe.wait(Duration.ofSeconds(59));
            alike("udp after 59 s", 1, there);
            alike("udp", 2, Frames.udp(ends[1]).corruptChecksum(), back);
            alike("udp", 1, there);
            probe.wait(Duration.ofSeconds(29));
            alike("udp after 29 s", 2, back);
            probe.wait(Duration.ofSeconds(30));
            alike("udp after 30 s", 2, back);
        }
        alike("udp port 0", 1, Frames.udp("10.0.0.1:0 > 10.0.0.2:6"), Frames.udp("10.0.0.1:5 > 10.0.0.2:0"));
        for (int length : new int[] {0, 7, 8, 10, 11, 12, 65535}) {
            byte[] frame = Frames.udp("10.0.0.1:99 > 10.0.0.2:6")
                    .payload(3)
                    .withoutChecksum()
                    .bytes();
            ByteBuffer.wrap(frame).putShort(ETHERNET + 20 + 4, (short) length);
            alike("udp length " + length, 1, frame);
        }
        probe.both().assertSame();
    }

    @Test
    void icmpTypesAreAlike() {
        flush();
        for (int type = 0; type < 256; type++) {
            alike(
                    "icmp type " + type,
                    1,
                    Frames.icmp(FOUR, type, 0, type),
                    Frames.icmp(FOUR, type, 1, type),
                    Frames.icmp(SIX, type, 0, type),
                    Frames.icmp(SIX, type, 1, type));
            if (type < 40 || type >= 128 && type < 160) {
                alike(
                        "icmp type " + type + " back",
                        2,
                        Frames.icmp(FOUR_BACK, type, 0, 8),
                        Frames.icmp(FOUR_BACK, type, 0, 13),
                        Frames.icmp(FOUR_BACK, type, 0, 15),
                        Frames.icmp(SIX_BACK, type, 0, 128));
            }
        }
        connections("after all types");
        probe.both().assertSame();
    }

    @Test
    void icmpErrorsAreAlike() {
        flush();
        Frame udp = Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(20);
        Frame udp6 = Frames.udp("[fc00::1]:5 > [fc00::2]:6").payload(20);
        Frame tcp = Frames.tcp("10.0.0.1:5 > 10.0.0.2:6").syn().seq(1);
        Frame ping = Frames.echoRequest(FOUR, 9);
        Frame ping6 = Frames.echoRequest(SIX, 9);
        Frame other = Frames.ip(FOUR, 47).payload(2);
        alike("what errors are about", 1, udp, udp6, tcp, ping, ping6, other);
        for (int type = 0; type < 20; type++) {
            for (Frame about : List.of(udp, tcp, ping, other)) {
                alike(
                        "error " + type,
                        2,
                        Frames.icmpError(FOUR_BACK, type, type % 3, about.bytes()),
                        Frames.icmpError("10.0.0.9 > 10.0.0.3", type, 0, about.bytes()));
            }
            alike(
                    "error " + type,
                    2,
                    Frames.icmpError(SIX_BACK, type, type % 3, udp6.bytes()),
                    Frames.icmpError("fc00::9 > fc00::3", type, 0, udp6.bytes()),
                    Frames.icmpError(SIX_BACK, type, 0, ping6.bytes()));
        }
        Frame answer = Frames.udp("10.0.0.2:6 > 10.0.0.1:5");
        alike("answer", 2, answer);
        Frame error = Frames.portUnreachable(FOUR_BACK, udp.bytes());
        alike(
                "about the answer",
                1,
                Frames.portUnreachable(FOUR, answer.bytes()),
                Frames.portUnreachable(FOUR, error.bytes()),
                Frames.portUnreachable(FOUR, answer.bytes()).corruptChecksum());
        alike(
                "about nothing",
                2,
                Frames.portUnreachable(
                        FOUR_BACK, Frames.udp("10.0.0.1:5 > 10.0.0.2:7").bytes()),
                Frames.portUnreachable(
                        FOUR_BACK,
                        udp.corruptChecksum().corruptNetworkChecksum().bytes()));
        connections("after errors");
        probe.both().assertSame();
    }

    @Test
    void quotesCutShortAreAlike() {
        flush();
        Frame tcp = Frames.tcp("10.0.0.1:5 > 10.0.0.2:6").syn().payload(40);
        alike("what errors are about", 1, tcp);
        byte[] quoted = tcp.bytes();
        for (int sizeBytes = 0; sizeBytes < 70; sizeBytes++) {
            alike(
                    sizeBytes + " bytes",
                    2,
                    Frames.icmp(FOUR_BACK, 3, 1, 0)
                            .payload(Arrays.copyOfRange(quoted, ETHERNET, ETHERNET + sizeBytes)));
        }
        probe.both().assertSame();
    }

    /** Quotes with some bytes changed; the seed is the parameter. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2})
    void hostileQuotesAreAlike(long seed) {
        flush();
        Random random = new Random(seed);
        Frame udp = Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(20);
        alike("what errors are about", 1, udp);
        byte[] good = Arrays.copyOfRange(udp.bytes(), ETHERNET, ETHERNET + 48);
        List<Frame> frames = new ArrayList<>();
        for (int round = 0; round < 400; round++) {
            byte[] quote = good.clone();
            for (int change = random.nextInt(2); change >= 0; change--) {
                // Not the version, which Open vSwitch does not look at, nor the fragment bits (decision 7).
                int at = random.nextInt(quote.length);
                quote[at] =
                        at == 0 ? (byte) (0x40 | random.nextInt(16)) : at == 6 || at == 7 ? 0 : (byte) random.nextInt();
            }
            frames.add(Frames.icmp(FOUR_BACK, 3, 1, 0).payload(quote));
        }
        alike("seed " + seed, 2, frames.toArray(Frame[]::new));
        connections("seed " + seed);
        probe.both().assertSame();
    }

    @Test
    void otherProtocolsAreAlike() {
        flush();
        for (int protocol : new int[] {2, 4, 41, 47, 50, 89, 103, 112, 255}) {
            alike("protocol " + protocol, 1, Frames.ip(FOUR, protocol).payload(9), Frames.ip(SIX, protocol));
            alike(
                    "protocol " + protocol,
                    2,
                    Frames.ip(FOUR_BACK, protocol),
                    Frames.ip(FOUR_BACK, protocol).payload(40));
        }
        connections("of other protocols");
        probe.both().assertSame();
    }

    /** Decision 22: Open vSwitch calls it invalid; here it is tracked and nothing else. */
    @Test
    void whatIsSaidOnALinkIsNotInvalidHere() {
        flush();
        for (int type : new int[] {133, 134, 135, 136, 141, 142, 148, 149}) {
            differ("type " + type, 1, onLink(type, 255), "inv", "");
            alike("type " + type + " from elsewhere", 1, onLink(type, 64));
        }
        for (int type : new int[] {130, 131, 132, 143, 151, 152, 153}) {
            differ("type " + type, 1, onLink(type, 1), "inv", "");
            alike("type " + type + " from elsewhere", 1, onLink(type, 255));
        }
        alike("redirect", 1, onLink(137, 255), onLink(137, 1));
        connections("of a link");
        probe.both().assertSame();
    }

    private static byte[] onLink(int type, int hopLimit) {
        return Frames.icmp("fe80::1 > ff02::1", type, 0, 0)
                .ttl(hopLimit)
                .payload(20)
                .bytes();
    }

    /** Decision 7: Open vSwitch takes SCTP for UDP, Debian's even without ports. */
    @Test
    void sctpIsFollowedByItsChunksOnlyHere() {
        flush();
        byte[] init = {1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1};
        byte[] initAck = {2, 0, 0, 24, 0, 0, 0, 9, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 7, 0, 4};
        byte[] cookieEcho = {10, 0, 0, 8, 1, 2, 3, 4};
        byte[] cookieAck = {11, 0, 0, 4};
        byte[] data = {0, 3, 0, 17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 65, 0, 0, 0};
        differ("half of a handshake", 1, sctp(true, 9, cookieEcho), "new", "inv");
        flush();
        differ("INIT", 1, sctp(true, 0, init), "new", "new");
        differ("DATA too early", 1, sctp(true, 9, data), "new", "inv");
        differ("INIT ACK", 2, sctp(false, 7, initAck), "est|rpl", "est|rpl");
        differ("COOKIE ECHO", 1, sctp(true, 9, cookieEcho, data), "est", "est");
        differ("COOKIE ACK", 2, sctp(false, 7, cookieAck), "est|rpl", "est|rpl");
        differ("DATA", 1, sctp(true, 9, data), "est", "est");
        differ("DATA with the wrong tag", 1, sctp(true, 8, data), "est", "inv");
        differ("INIT and DATA", 1, sctp(true, 0, init, data), "est", "inv");
        String tuples = "sctp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=2000),"
                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=2000,dport=1000)";
        assertThat(StateProbe.connections(probe.both().theirs()))
                .singleElement()
                .asString()
                .startsWith("sctp,orig=(src=10.0.0.1,dst=10.0.0.2,")
                .doesNotContain("protoinfo");
        assertThat(StateProbe.connections(probe.both().ours()))
                .singleElement()
                .asString()
                .startsWith(tuples)
                .endsWith(",protoinfo=(state=ESTABLISHED,vtag_orig=9,vtag_reply=7)");
    }

    /** Decision 7: Open vSwitch knows UDP-Lite by its addresses. */
    @Test
    void udpLiteHasPortsOnlyHere() {
        flush();
        differ("UDP-Lite", 1, udpLite(FOUR, 5, 6), "new", "new");
        differ("another port", 2, udpLite(FOUR_BACK, 6, 7), "est|rpl", "new");
        differ("the answer", 2, udpLite(FOUR_BACK, 6, 5), "est|rpl", "est|rpl");
        differ(
                "no checksum",
                1,
                Frames.ip(FOUR, 136)
                        .payload(new byte[] {0, 5, 0, 6, 0, 8, 0, 0})
                        .bytes(),
                "est",
                "inv");
    }

    /** Decision 7: what is quoted may be a first fragment. */
    @Test
    void errorAboutAFirstFragmentIsRelatedHere() {
        flush();
        Frame udp = Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(20);
        alike("what errors are about", 1, udp);
        byte[] quote = Arrays.copyOfRange(udp.bytes(), ETHERNET, ETHERNET + 48);
        quote[6] = 0x20;
        probe.receive(
                2,
                List.of(Frames.icmp("10.0.0.9 > 10.0.0.1", 11, 1, 0)
                        .payload(quote)
                        .bytes()));
        probe.theirs();
        assertThat(probe.ours())
                .singleElement()
                .extracting(StateProbe.Told::state)
                .isEqualTo("rel|rpl");
        quote[7] = 1;
        alike("later fragment", 2, Frames.icmp("10.0.0.9 > 10.0.0.1", 11, 1, 0).payload(quote));
        probe.both().assertSame();
    }

    private static void flush() {
        probe.both().appctl("dpctl/flush-conntrack");
    }

    private static void alike(String what, int port, Frame... frames) {
        alike(what, port, Arrays.stream(frames).map(Frame::bytes).toArray(byte[][]::new));
    }

    private static void alike(String what, int port, byte[]... frames) {
        probe.receive(port, List.of(frames));
        Map<String, String> theirs = byFrame(probe.theirs());
        Map<String, String> ours = byFrame(probe.ours());
        theirs.forEach((frame, states) -> probe.both().compare(what + ": " + frame, states, ours.get(frame)));
    }

    /** Frames that come in together leave in groups, in no order that either switch promises; each keeps its own. */
    private static Map<String, String> byFrame(List<StateProbe.Told> told) {
        Map<String, String> states = new LinkedHashMap<>();
        for (StateProbe.Told one : told) {
            String behindDestination = HexFormat.of().formatHex(one.frame(), 6, one.frame().length);
            states.merge(behindDestination, one.state(), (before, next) -> before + ", " + next);
        }
        return states;
    }

    private static void differ(String what, int port, byte[] frame, String theirs, String ours) {
        probe.receive(port, List.of(frame));
        assertThat(probe.theirs())
                .as("Open vSwitch: %s", what)
                .singleElement()
                .extracting(StateProbe.Told::state)
                .isEqualTo(theirs);
        assertThat(probe.ours())
                .as(what)
                .singleElement()
                .extracting(StateProbe.Told::state)
                .isEqualTo(ours);
    }

    private static void connections(String what) {
        probe.both()
                .compare(
                        "connections " + what,
                        String.join("\n", StateProbe.connections(probe.both().theirs())),
                        String.join("\n", StateProbe.connections(probe.both().ours())));
    }

    private static byte[] sctp(boolean there, int tag, byte[]... chunks) {
        return Frames.sctp(there ? "10.0.0.1:1000 > 10.0.0.2:2000" : "10.0.0.2:2000 > 10.0.0.1:1000", tag, chunks)
                .bytes();
    }

    /** Eight bytes of header, all that the sum covers, and one of data; between 10.0.0.1 and 10.0.0.2, either way. */
    private static byte[] udpLite(String ends, int sourcePort, int destinationPort) {
        int covered = 8;
        int length = 9;
        int sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 136 + length + sourcePort + destinationPort + covered;
        ByteBuffer out = ByteBuffer.allocate(length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putShort((short) covered)
                .putShort((short) ~sum);
        return Frames.ip(ends, 136).payload(out.array()).bytes();
    }
}
