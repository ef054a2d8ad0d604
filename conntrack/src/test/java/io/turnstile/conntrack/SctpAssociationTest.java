package io.turnstile.conntrack;

import static io.turnstile.conntrack.SctpChunkBytes.abort;
import static io.turnstile.conntrack.SctpChunkBytes.abortReflected;
import static io.turnstile.conntrack.SctpChunkBytes.auth;
import static io.turnstile.conntrack.SctpChunkBytes.back;
import static io.turnstile.conntrack.SctpChunkBytes.chunk;
import static io.turnstile.conntrack.SctpChunkBytes.cookieAck;
import static io.turnstile.conntrack.SctpChunkBytes.cookieEcho;
import static io.turnstile.conntrack.SctpChunkBytes.data;
import static io.turnstile.conntrack.SctpChunkBytes.error;
import static io.turnstile.conntrack.SctpChunkBytes.heartbeat;
import static io.turnstile.conntrack.SctpChunkBytes.heartbeatAck;
import static io.turnstile.conntrack.SctpChunkBytes.init;
import static io.turnstile.conntrack.SctpChunkBytes.initAck;
import static io.turnstile.conntrack.SctpChunkBytes.sack;
import static io.turnstile.conntrack.SctpChunkBytes.shutdown;
import static io.turnstile.conntrack.SctpChunkBytes.shutdownAck;
import static io.turnstile.conntrack.SctpChunkBytes.shutdownComplete;
import static io.turnstile.conntrack.SctpChunkBytes.shutdownCompleteReflected;
import static io.turnstile.conntrack.SctpChunkBytes.there;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The life of associations as RFC 9260 tells it, packet by packet; every cell of the tables: {@link SctpCellsTest}. */
class SctpAssociationTest {
    /** The tag that packets to the client carry: the client chose it. */
    private static final int TO_CLIENT = 0xc11e0001;

    private static final int TO_SERVER = 0x5e4f0001;
    private static final int STRANGE = 0x0bad0bad;

    private final TrackerFixture ct = new TrackerFixture();

    @Test
    void associationGoesThroughItsLife() {
        assertThat(ct.pass(there(0, init(TO_CLIENT)))).isEqualTo("new");
        assertState("COOKIE_WAIT", 0, TO_CLIENT);
        assertThat(ct.look(there(0, init(TO_CLIENT)))).as("sent again").isEqualTo("new");
        assertThat(ct.look(back(TO_CLIENT, initAck(TO_SERVER)))).isEqualTo("est|rpl");
        assertState("COOKIE_WAIT", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(there(TO_SERVER, cookieEcho(), data()))).isEqualTo("est");
        assertState("COOKIE_ECHOED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(TO_CLIENT, cookieAck(), sack()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(there(TO_SERVER, data()))).isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, sack(), data()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, heartbeat()))).isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, heartbeatAck()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, shutdown()))).isEqualTo("est");
        assertState("SHUTDOWN_SENT", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(TO_CLIENT, shutdownAck()))).isEqualTo("est|rpl");
        assertState("SHUTDOWN_ACK_SENT", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(there(TO_SERVER, shutdownComplete()))).isEqualTo("est");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void lineIsThatOfOpenVswitch() {
        ct.send(there(0, init(-1)).packet(), CtRequest.commit(3));
        String line = "sctp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=5000,dport=36412),"
                + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=36412,dport=5000),zone=3,"
                + "protoinfo=(state=COOKIE_WAIT,vtag_orig=0,vtag_reply=4294967295)";
        assertThat(ct.dump()).containsExactly(line);
        assertThat(ct.dump(true, true)).containsExactly(line.replace(",zone=3,", ",id=0,zone=3,status=0,timeout=60,"));
    }

    @Test
    void serverMayShutDownAsWell() {
        establish();
        assertThat(ct.look(back(TO_CLIENT, shutdown()))).isEqualTo("est|rpl");
        assertState("SHUTDOWN_RECD", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(there(TO_SERVER, data())))
                .as("what was still to send")
                .isEqualTo("est");
        assertThat(ct.look(there(TO_SERVER, shutdownAck()))).isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, shutdownComplete()))).isEqualTo("est|rpl");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void bothMayShutDownAtOnce() {
        establish();
        ct.look(there(TO_SERVER, shutdown()));
        assertThat(ct.look(back(TO_CLIENT, shutdown()))).isEqualTo("est|rpl");
        assertState("SHUTDOWN_SENT", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(there(TO_SERVER, shutdownAck()))).isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, shutdownAck()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, shutdownComplete()))).isEqualTo("est");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void bothMayBeginAtOnce() {
        assertThat(ct.pass(there(0, init(TO_CLIENT)))).isEqualTo("new");
        assertThat(ct.look(back(0, init(TO_SERVER))))
                .as("nobody's tag was proved yet")
                .isEqualTo("new");
        assertState("COOKIE_WAIT", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(TO_CLIENT, initAck(TO_SERVER)))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, initAck(TO_CLIENT)))).isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, cookieEcho()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, cookieEcho()))).isEqualTo("est");
        assertThat(ct.look(there(TO_SERVER, cookieAck()))).isEqualTo("est");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void tagIsVerified() {
        establish();
        assertThat(ct.look(there(STRANGE, data()))).isEqualTo("inv");
        assertThat(ct.look(there(0, data()))).isEqualTo("inv");
        assertThat(ct.look(there(TO_CLIENT, data())))
                .as("the other direction's")
                .isEqualTo("inv");
        assertThat(ct.look(there(STRANGE, init(7)))).as("INIT carries none").isEqualTo("inv");
        assertThat(ct.look(there(STRANGE, abort()))).isEqualTo("inv");
        assertThat(ct.look(there(STRANGE, shutdownAck()))).isEqualTo("inv");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void abortCarriesItsReceiversTagOrReflectsTheSenders() {
        establish();
        assertThat(ct.look(back(TO_SERVER, abort()))).isEqualTo("inv");
        assertThat(ct.look(back(TO_CLIENT, abortReflected()))).isEqualTo("inv");
        assertThat(ct.look(back(TO_SERVER, abortReflected()))).isEqualTo("est|rpl");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
        ct.tracker.flush(null, 0);
        establish();
        assertThat(ct.look(there(TO_SERVER, abort()))).isEqualTo("est");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void refusedInitIsAnsweredByAbort() {
        ct.pass(there(0, init(TO_CLIENT)));
        assertThat(ct.look(back(TO_CLIENT, abort()))).isEqualTo("est|rpl");
        assertState("CLOSED", 0, TO_CLIENT);
    }

    @Test
    void shutdownCompleteMayReflect() {
        establish();
        ct.look(there(TO_SERVER, shutdown()));
        ct.look(back(TO_CLIENT, shutdownAck()));
        assertThat(ct.look(there(TO_CLIENT, shutdownCompleteReflected()))).isEqualTo("est");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void endOfAForgottenAssociationPassesWithoutEffect() {
        ct.pass(there(0, init(TO_CLIENT)));
        String before = ct.dump(true, true).getFirst();
        ct.advance(Duration.ofSeconds(1));
        assertThat(ct.look(back(STRANGE, shutdownAck()))).isEqualTo("new");
        assertThat(ct.look(there(STRANGE, shutdownCompleteReflected()))).isEqualTo("new");
        assertThat(ct.dump(true, true))
                .as("nor is its life longer")
                .containsExactly(before.replace("timeout=60", "timeout=59"));
    }

    @Test
    void closedAssociationBeginsAnewByInitOfEitherSide() {
        establish();
        ct.look(there(TO_SERVER, abort()));
        long before = ct.ids().getFirst();
        assertThat(ct.pass(back(0, init(77)))).isEqualTo("new");
        assertThat(ct.ids()).hasSize(1).doesNotContain(before);
        assertThat(ct.dump().getFirst()).startsWith("sctp,orig=(src=10.0.0.2,");
        assertState("COOKIE_WAIT", 0, 77);
    }

    @Test
    void lateDataAfterTheEndPassesButProlongsNothing() {
        establish();
        ct.look(there(TO_SERVER, abort()));
        ct.advance(Duration.ofSeconds(29));
        assertThat(ct.look(back(TO_CLIENT, data())))
                .as("is to be answered by another ABORT")
                .isEqualTo("est|rpl");
        ct.advance(Duration.ofSeconds(1));
        assertThat(ct.dump()).isEmpty();
    }

    @Test
    void strangeInitChangesNothing() {
        establish();
        ct.advance(Duration.ofSeconds(10));
        assertThat(ct.look(there(0, init(STRANGE)))).isEqualTo("est");
        assertThat(ct.dump(false, true).getFirst()).contains("timeout=50");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(TO_CLIENT, data()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, data()))).isEqualTo("est");
    }

    @Test
    void restartedClientTakesTheAssociationOver() {
        establish();
        ct.look(there(0, init(111)));
        assertThat(ct.look(back(111, initAck(222)))).isEqualTo("est|rpl");
        assertThat(ct.look(there(TO_SERVER, data())))
                .as("the old one still stands")
                .isEqualTo("est");
        assertThat(ct.look(there(222, data()))).isEqualTo("inv");
        assertThat(ct.look(there(222, cookieEcho()))).isEqualTo("est");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(111, cookieAck()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", 222, 111);
        assertThat(ct.look(there(222, cookieEcho()))).as("sent again").isEqualTo("est");
        assertState("ESTABLISHED", 222, 111);
        assertThat(ct.look(there(TO_SERVER, data()))).isEqualTo("inv");
    }

    @Test
    void restartWorksFromTheServersSideToo() {
        establish();
        ct.look(back(0, init(333)));
        assertThat(ct.look(there(333, initAck(TO_CLIENT))))
                .as("the same tag again")
                .isEqualTo("est");
        assertThat(ct.look(back(TO_CLIENT, cookieEcho()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(333, cookieAck()))).isEqualTo("est");
        assertState("ESTABLISHED", 333, TO_CLIENT);
    }

    @Test
    void secondInitAckOfAServerWithoutMemoryIsGoodToo() {
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        ct.look(there(0, init(TO_CLIENT)));
        assertThat(ct.look(back(TO_CLIENT, initAck(999)))).isEqualTo("est|rpl");
        assertThat(ct.look(there(999, cookieEcho()))).isEqualTo("est");
        assertState("COOKIE_ECHOED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(TO_CLIENT, cookieAck()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", 999, TO_CLIENT);
    }

    @Test
    void staleCookieMakesTheClientBeginAgain() {
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        ct.look(there(TO_SERVER, cookieEcho()));
        assertThat(ct.look(back(TO_CLIENT, error()))).isEqualTo("est|rpl");
        assertThat(ct.look(there(0, init(444)))).isEqualTo("est");
        assertThat(ct.look(back(444, initAck(555)))).isEqualTo("est|rpl");
        assertThat(ct.look(there(555, cookieEcho()))).isEqualTo("est");
        assertThat(ct.look(back(444, cookieAck()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", 555, 444);
    }

    @Test
    void runningAssociationIsPickedUpInTheMiddle() {
        assertThat(ct.pass(there(TO_SERVER, sack(), data()))).isEqualTo("new");
        assertState("ESTABLISHED", TO_SERVER, 0);
        assertThat(ct.look(there(TO_SERVER, data()))).isEqualTo("new");
        assertThat(ct.look(there(STRANGE, data()))).isEqualTo("inv");
        assertThat(ct.look(back(TO_CLIENT, sack()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
        assertThat(ct.look(back(STRANGE, sack()))).isEqualTo("inv");
    }

    @Test
    void secondPathIsPickedUpFromItsHeartbeat() {
        assertThat(ct.pass(there(TO_SERVER, heartbeat()))).isEqualTo("new");
        assertState("HEARTBEAT_SENT", TO_SERVER, 0);
        assertThat(ct.look(back(TO_CLIENT, heartbeatAck()))).isEqualTo("est|rpl");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void halvesAndEndsBeginNothing() {
        assertThat(ct.pass(there(TO_SERVER, initAck(5)))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, cookieEcho()))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, cookieAck()))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, abort()))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, error()))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, shutdownComplete()))).isEqualTo("inv");
        assertThat(ct.pass(there(TO_SERVER, auth()))).isEqualTo("inv");
        assertThat(ct.pass(there(0, data()))).as("without a tag").isEqualTo("inv");
        assertThat(ct.pass(there(9, init(5)))).as("INIT with a tag").isEqualTo("inv");
        assertThat(ct.pass(there(0, init(0)))).as("nobody's tag").isEqualTo("inv");
        assertThat(ct.dump()).isEmpty();
    }

    @Test
    void dataBeforeTheHandshakeIsInvalid() {
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        assertThat(ct.look(there(TO_SERVER, data()))).isEqualTo("inv");
        assertThat(ct.look(back(TO_CLIENT, data()))).isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, cookieEcho(), data()))).isEqualTo("est");
    }

    @Test
    void tagThatNobodyOfferedIsNotLearnedInAHandshake() {
        ct.pass(there(0, init(TO_CLIENT)));
        assertThat(ct.look(there(STRANGE, cookieEcho()))).isEqualTo("inv");
        assertThat(ct.look(there(STRANGE, abort()))).isEqualTo("inv");
        assertState("COOKIE_WAIT", 0, TO_CLIENT);
    }

    @Test
    void chunksStandWhereTheyMay() {
        assertThat(ct.pass(there(0, init(1), data()))).as("INIT is alone").isEqualTo("inv");
        assertThat(ct.pass(there(0, auth(), init(1)))).isEqualTo("inv");
        establish();
        assertThat(ct.look(back(TO_CLIENT, initAck(1), data()))).isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, data(), shutdownComplete()))).isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, data(), cookieEcho())))
                .as("COOKIE ECHO is first")
                .isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, auth(), cookieEcho())))
                .as("but for AUTH")
                .isEqualTo("est");
        assertThat(ct.look(there(TO_SERVER, sack(), cookieAck()))).isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, error(), abort(), data()))).isEqualTo("est");
        assertState("CLOSED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void wrongLengthsAreInvalid() {
        establish();
        assertThat(ct.look(there(TO_SERVER, chunk(0, 3, 12))))
                .as("DATA without data")
                .isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(64, 3, 16))))
                .as("I-DATA without data")
                .isEqualTo("inv");
        assertThat(ct.look(there(0, chunk(1, 0, 12)))).as("INIT").isEqualTo("inv");
        assertThat(ct.look(back(TO_CLIENT, chunk(2, 0, 12)))).as("INIT ACK").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(3, 0, 8)))).as("SACK").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(4, 0, 0)))).as("HEARTBEAT").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(7, 0, 0)))).as("SHUTDOWN").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(8, 0, 4)))).as("SHUTDOWN ACK").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(10, 0, 0))))
                .as("COOKIE ECHO without a cookie")
                .isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, chunk(11, 0, 1)))).as("COOKIE ACK").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER))).as("no chunk").isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, new byte[] {0, 3, 0, 3, 0, 0, 0, 0})))
                .as("shorter than its header")
                .isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, new byte[] {0, 3, 0, 40, 0, 0, 0, 0})))
                .as("longer than the packet")
                .isEqualTo("inv");
        assertThat(ct.look(there(TO_SERVER, data(), new byte[] {1, 2})))
                .as("half a header")
                .isEqualTo("inv");
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
    }

    @Test
    void badChunkInAGoodPacketMovesNothing() {
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        assertThat(ct.look(there(TO_SERVER, cookieEcho(), chunk(0, 3, 12)))).isEqualTo("inv");
        assertState("COOKIE_WAIT", TO_SERVER, TO_CLIENT);
    }

    @Test
    void chunksThatNobodyKnowsPassInAnAssociation() {
        establish();
        for (int type : new int[] {15, 63, 99, 128, 130, 132, 192, 193, 194, 255}) {
            assertThat(ct.look(there(TO_SERVER, chunk(type, 0, 12))))
                    .as("type %d", type)
                    .isEqualTo("est");
        }
    }

    @Test
    void wrongCrcIsInvalid() {
        byte[] bytes = there(0, init(TO_CLIENT)).bytes();
        bytes[bytes.length - 1] ^= 1;
        Packet packet = Packet.copyOf(bytes);
        PacketParser.parse(packet);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.commit(0)))).isEqualTo("inv");
        assertThat(packet.checksumState()).isEqualTo(Packet.ChecksumState.BAD);
    }

    @Test
    void worksOverIpv6AndErrorsAreRelated() {
        Frame six = Frames.sctp("[fc00::1]:1 > [fc00::2]:2", 0, init(TO_CLIENT));
        assertThat(ct.pass(six)).isEqualTo("new");
        assertThat(ct.look(Frames.sctp("[fc00::2]:2 > [fc00::1]:1", TO_CLIENT, initAck(TO_SERVER))))
                .isEqualTo("est|rpl");
        assertThat(ct.look(Frames.portUnreachable("fc00::2 > fc00::1", six.bytes())))
                .isEqualTo("rel|rpl");
        Frame four = there(0, init(TO_CLIENT));
        ct.pass(four);
        byte[] eightBytesQuoted = Arrays.copyOf(four.bytes(), 14 + 20 + 8);
        eightBytesQuoted[17] = 28;
        assertThat(ct.look(Frames.icmpError("10.0.0.2 > 10.0.0.1", 3, 2, eightBytesQuoted)))
                .isEqualTo("rel|rpl");
    }

    @Test
    void associationOutlivesTheTimeBetweenItsHeartbeats() {
        TrackerFixture ct = new TrackerFixture(Long.MAX_VALUE - 40_000_000_000L, 10);
        ct.pass(there(TO_SERVER, data()));
        ct.look(back(TO_CLIENT, sack()));
        for (int i = 0; i < 5; i++) {
            ct.advance(Duration.ofSeconds(33));
            ct.sweep();
            assertThat(ct.look(back(TO_CLIENT, heartbeat()))).isEqualTo("est|rpl");
        }
        ct.advance(Duration.ofSeconds(60));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    private void establish() {
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        ct.look(there(TO_SERVER, cookieEcho()));
        ct.look(back(TO_CLIENT, cookieAck()));
        assertState("ESTABLISHED", TO_SERVER, TO_CLIENT);
    }

    private void assertState(String state, int original, int reply) {
        assertThat(ct.dump().getFirst())
                .endsWith("protoinfo=(state=" + state + ",vtag_orig=" + Integer.toUnsignedString(original)
                        + ",vtag_reply=" + Integer.toUnsignedString(reply) + ")");
    }
}
