package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.icmp;
import static io.turnstile.packet.Frames.icmpError;
import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * ICMP errors about translated connections, as RFC 5508 wants them. 10.0.0.1 is inside, its address outside 10.1.1.240.
 */
class IcmpErrorTranslationTest {
    private static final int ETHERNET = 14;
    private static final CtRequest PLAIN = CtRequest.lookup(0).with(NatRequest.ANY);
    private static final CtRequest TRANSLATED = CtRequest.commit(0)
            .with(new NatRequest(
                    NatRequest.Kind.SOURCE,
                    false,
                    0,
                    0x0a01_01f0L,
                    0,
                    0x0a01_01f0L,
                    7000,
                    7000,
                    false,
                    NatRequest.Choice.DEFAULT));

    private final TrackerFixture ct = new TrackerFixture();

    private void expect(Frame sent, String state, Frame leaving) {
        Packet packet = ct.send(sent.packet(), PLAIN);
        assertThat(TrackerFixture.state(packet)).isEqualTo(state);
        assertThat(packet.toBytes()).isEqualTo(leaving.bytes());
    }

    /** REQ-4: the error's receiver and what is quoted become what they were; type, code and sender stay (REQ-4 b). */
    @ParameterizedTest
    @CsvSource({"10.0.0.2", "172.16.9.9"})
    void errorFromOutsideIsTranslatedOutsideAndWithin(String sender) {
        ct.send(udp("10.0.0.1:4000 > 10.0.0.2:53").payload("abc").packet(), TRANSLATED);
        Frame seen = udp("10.1.1.240:7000 > 10.0.0.2:53").payload("abc");
        Frame was = udp("10.0.0.1:4000 > 10.0.0.2:53").payload("abc");
        for (int[] kind : new int[][] {{3, 1}, {3, 4}, {3, 13}, {11, 0}, {12, 0}}) {
            expect(
                    icmpError(sender + " > 10.1.1.240", kind[0], kind[1], seen.bytes()),
                    "rel|rpl|dnat",
                    icmpError(sender + " > 10.0.0.1", kind[0], kind[1], was.bytes()));
        }
    }

    /** REQ-5: about an answer, from the client or from a router on the way to it: outside there is one address only. */
    @ParameterizedTest
    @CsvSource({"10.0.0.1", "192.168.9.9"})
    void errorFromInsideShowsNothingOfTheInside(String sender) {
        ct.send(udp("10.0.0.1:4000 > 10.0.0.2:53").packet(), TRANSLATED);
        ct.send(udp("10.0.0.2:53 > 10.1.1.240:7000").payload("answer").packet(), PLAIN);
        Frame seen = udp("10.0.0.2:53 > 10.0.0.1:4000").payload("answer");
        Frame was = udp("10.0.0.2:53 > 10.1.1.240:7000").payload("answer");
        expect(
                icmpError(sender + " > 10.0.0.2", 3, 3, seen.bytes()),
                "rel|snat",
                icmpError("10.1.1.240 > 10.0.0.2", 3, 3, was.bytes()));
    }

    @Test
    void errorAboutATranslatedPingIsTranslated() {
        NatRequest address = new NatRequest(
                NatRequest.Kind.SOURCE,
                false,
                0,
                0x0a01_01f0L,
                0,
                0x0a01_01f0L,
                0,
                0,
                false,
                NatRequest.Choice.DEFAULT);
        ct.send(
                Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77).packet(),
                CtRequest.commit(0).with(address));
        expect(
                icmpError(
                        "10.9.9.9 > 10.1.1.240",
                        11,
                        0,
                        Frames.echoRequest("10.1.1.240 > 10.0.0.2", 77).bytes()),
                "rel|rpl|dnat",
                icmpError(
                        "10.9.9.9 > 10.0.0.1",
                        11,
                        0,
                        Frames.echoRequest("10.0.0.1 > 10.0.0.2", 77).bytes()));
    }

    /** RFC 792: as little as eight bytes of the transport header may be there, of TCP without its checksum. */
    @Test
    void truncatedQuoteIsTranslatedAsFarAsItGoes() {
        ct.send(tcp("10.0.0.1:4000 > 10.0.0.2:80").syn().seq(99).packet(), TRANSLATED);
        byte[] seen = tcp("10.1.1.240:7000 > 10.0.0.2:80").syn().seq(99).bytes();
        byte[] was = tcp("10.0.0.1:4000 > 10.0.0.2:80").syn().seq(99).bytes();
        for (int bytes = 28; bytes <= 40; bytes++) {
            if (bytes == 37) {
                continue; // Half of a checksum cannot follow.
            }
            expect(
                    icmp("10.9.9.9 > 10.1.1.240", 3, 1, 0).payload(quote(seen, bytes)),
                    "rel|rpl|dnat",
                    icmp("10.9.9.9 > 10.0.0.1", 3, 1, 0).payload(quote(was, bytes)));
        }
        assertThat(TrackerFixture.state(ct.send(
                        icmp("10.9.9.9 > 10.1.1.240", 3, 1, 0)
                                .payload(quote(seen, 27))
                                .packet(),
                        PLAIN)))
                .isEqualTo("inv");
    }

    /** REQ-3 d, RFC 4884 §7: behind the quote there may be padding and extensions, which stay as they are. */
    @Test
    void extensionsBehindTheQuoteStay() {
        ct.send(udp("10.0.0.1:4000 > 10.0.0.2:53").payload("abc").packet(), TRANSLATED);
        byte[] extensions = {0x20, 0, 0x11, 0x22, 0, 8, 1, 1, 0, 1, 1, 1};
        byte[] seen = padded(udp("10.1.1.240:7000 > 10.0.0.2:53").payload("abc").bytes(), extensions);
        byte[] was = padded(udp("10.0.0.1:4000 > 10.0.0.2:53").payload("abc").bytes(), extensions);
        expect(
                icmp("10.9.9.9 > 10.1.1.240", 11, 0, 0x0020).payload(seen),
                "rel|rpl|dnat",
                icmp("10.9.9.9 > 10.0.0.1", 11, 0, 0x0020).payload(was));
    }

    private static byte[] padded(byte[] frame, byte[] extensions) {
        byte[] quote = Arrays.copyOfRange(frame, ETHERNET, ETHERNET + 128);
        return ByteBuffer.allocate(128 + extensions.length)
                .put(quote)
                .put(extensions)
                .array();
    }

    /** REQ-6: errors neither prolong nor end anything, whoever sends them. */
    @Test
    void errorsMoveAndProlongNothing() {
        List<Frame> first = List.of(
                udp("10.0.0.1:5 > 10.0.0.2:6"),
                tcp("10.0.0.1:5 > 10.0.0.2:6").syn().seq(1),
                Frames.echoRequest("10.0.0.1 > 10.0.0.2", 5),
                SctpChunkBytes.there(0, SctpChunkBytes.init(7)));
        first.forEach(frame -> ct.send(frame.packet(), CtRequest.commit(0)));
        ct.advance(Duration.ofSeconds(10));
        List<String> before = ct.dump(true, true);
        for (Frame frame : first) {
            for (int type : new int[] {3, 4, 5, 11, 12}) {
                assertThat(ct.commit(icmpError("10.9.9.9 > 10.0.0.1", type, 0, frame.bytes())))
                        .isEqualTo("rel|rpl");
            }
        }
        assertThat(ct.dump(true, true)).isEqualTo(before);
    }

    /** RFC 1122 §3.2.2: nobody sends an error about an error, and none leads to another's connection. */
    @Test
    void errorAboutAnErrorIsOfNoConnection() {
        ct.send(udp("10.0.0.1:4000 > 10.0.0.2:53").packet(), TRANSLATED);
        Frame error = icmpError(
                "10.0.0.2 > 10.1.1.240",
                3,
                3,
                udp("10.1.1.240:7000 > 10.0.0.2:53").bytes());
        Packet packet =
                ct.send(icmpError("10.9.9.9 > 10.0.0.2", 11, 0, error.bytes()).packet(), PLAIN);
        assertThat(TrackerFixture.state(packet)).isEqualTo("inv");
    }

    private static byte[] quote(byte[] frame, int bytes) {
        return Arrays.copyOfRange(frame, ETHERNET, ETHERNET + bytes);
    }
}
