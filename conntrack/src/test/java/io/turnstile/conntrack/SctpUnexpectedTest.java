package io.turnstile.conntrack;

import static io.turnstile.conntrack.SctpChunkBytes.abort;
import static io.turnstile.conntrack.SctpChunkBytes.abortReflected;
import static io.turnstile.conntrack.SctpChunkBytes.back;
import static io.turnstile.conntrack.SctpChunkBytes.cookieAck;
import static io.turnstile.conntrack.SctpChunkBytes.cookieEcho;
import static io.turnstile.conntrack.SctpChunkBytes.data;
import static io.turnstile.conntrack.SctpChunkBytes.error;
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
import org.junit.jupiter.api.Test;

/**
 * Collisions, restarts, late and doubled packets of handshakes (RFC 9260 §5.2), and packets of associations that one
 * end alone believes in (§8.4, §8.5.1). A is the client, which the original direction comes from, B the server; a tag
 * is called after who chose it.
 */
class SctpUnexpectedTest {
    private static final int A = 0xa0000001;
    private static final int B = 0xb0000001;
    /** What B answers with before it has begun itself, or knows of an INIT no more. */
    private static final int B_OTHER = 0xb0000002;

    private static final int A_NEW = 0xa0000003;
    private static final int B_NEW = 0xb0000003;

    private final TrackerFixture ct = new TrackerFixture();

    // ---- §5.2.1: both begin ----

    /** The answer to A's INIT was made before B began, and comes when A has B's INIT already. */
    @Test
    void lateInitAckOfACollisionDoesNotChangeTheTags() {
        ct.pass(there(0, init(A)));
        fromB(0, "new", init(B));
        assertThat(ct.look(there(B, initAck(A)))).as("B's tag is not proved").isEqualTo("new");
        fromB(A, initAck(B_OTHER)); // delayed
        fromA(B_OTHER, cookieEcho()); // B discards it (§5.2.4 C)
        fromB(A, cookieEcho());
        fromA(B, cookieAck()); // §5.2.4 B
        assertState("ESTABLISHED", B, A);
        fromA(B, data());
        fromB(A, sack(), data());
        assertThat(ct.look(there(B_OTHER, data()))).isEqualTo("inv");
    }

    /** The same, later: the handshake is over. Who made an offer does not redeem it. */
    @Test
    void initAckAfterTheCollisionIsOverChangesNothing() {
        ct.pass(there(0, init(A)));
        fromB(0, "new", init(B));
        ct.look(there(B, initAck(A)));
        fromB(A, cookieEcho());
        fromA(B, cookieAck());
        fromB(A, initAck(B_OTHER)); // §5.2.3: A discards it
        fromB(A, cookieEcho()); // doubled by the network
        fromA(B, data());
        fromB(A, data());
        fromB(A, cookieEcho(), data());
        fromA(B, cookieAck(), data());
        assertState("ESTABLISHED", B, A);
    }

    @Test
    void lateInitAckBetweenTheOthersCookieEchoAndItsAnswer() {
        ct.pass(there(0, init(A)));
        fromB(0, "new", init(B));
        ct.look(there(B, initAck(A)));
        fromB(A, cookieEcho());
        fromB(A, initAck(B_OTHER));
        fromB(A, cookieEcho()); // sent again
        fromA(B, cookieAck());
        fromA(B, data());
        fromB(A, data());
        assertState("ESTABLISHED", B, A);
    }

    @Test
    void serverThatBeginsAfterItsInitAck() {
        ct.pass(there(0, init(A)));
        fromB(A, initAck(B_OTHER));
        fromB(0, init(B));
        fromA(B_OTHER, cookieEcho()); // B discards it
        fromA(B, initAck(A)); // §5.2.1: the tag stays
        fromB(A, cookieEcho());
        fromA(B, cookieAck()); // §5.2.4 B
        fromA(B, data());
        fromB(A, data());
        assertState("ESTABLISHED", B, A);
    }

    @Test
    void collisionWhoseFirstHandshakeIsTakenAllTheSame() {
        ct.pass(there(0, init(A)));
        fromB(0, "new", init(B));
        fromB(A, initAck(B));
        fromA(B, initAck(A));
        fromA(B, cookieEcho());
        fromB(A, cookieAck());
        fromB(A, cookieEcho()); // §5.2.4 D
        fromA(B, cookieAck());
        fromA(B, data());
        fromB(A, data());
        assertState("ESTABLISHED", B, A);
    }

    /** A's COOKIE ECHO is answered though B had begun, too: what was offered last counts. */
    @Test
    void cookieOfTheLateInitAckMayBeTakenToo() {
        ct.pass(there(0, init(A)));
        fromB(0, "new", init(B));
        fromB(A, initAck(B_OTHER));
        fromA(B_OTHER, cookieEcho(), data());
        assertState("COOKIE_ECHOED", B, A);
        fromB(A, cookieAck(), sack());
        assertState("ESTABLISHED", B_OTHER, A);
        fromA(B_OTHER, data());
        fromB(A, data());
    }

    // ---- §5.2.2: an end has been restarted ----

    @Test
    void restartIsTakenOverWhenItIsAccepted() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromB(A, data());
        fromA(B_NEW, cookieEcho(), data());
        fromB(A, data()); // B has not got it yet
        assertState("ESTABLISHED", B, A);
        fromB(A_NEW, cookieAck(), data());
        assertState("ESTABLISHED", B_NEW, A_NEW);
        fromA(B_NEW, data());
        assertThat(ct.look(there(B, data()))).isEqualTo("inv");
        assertThat(ct.look(back(A, data()))).isEqualTo("inv");
    }

    /** The COOKIE ACK went by, or was overtaken: what comes behind it says the same. */
    @Test
    void restartIsTakenOverByWhateverComesNext() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, data());
        assertState("COOKIE_ECHOED", B_NEW, A_NEW);
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
        ct.tracker.flush(null, ct.clock.nowNs());
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromA(B_NEW, sack());
        assertState("ESTABLISHED", B_NEW, A_NEW);
        fromB(A_NEW, data());
    }

    @Test
    void restartOfTheServerIsTakenOverToo() {
        establish();
        fromB(0, init(B_NEW));
        fromA(B_NEW, initAck(A_NEW));
        fromB(A_NEW, cookieEcho());
        fromA(B_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
        fromB(A_NEW, data());
    }

    @Test
    void restartedEndsDoubledInitDoesNotSpoilTheOffer() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(0, init(A_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
    }

    /**
     * B makes another tag for each INIT (§5.2.2); A takes the first answer that it gets, and which that is only A
     * knows.
     */
    @Test
    void eitherAnswerToAnInitThatCameTwiceWillDo() {
        for (int chosen : new int[] {B_NEW, B_OTHER}) {
            establish();
            fromA(0, init(A_NEW));
            fromA(0, init(A_NEW));
            fromB(A_NEW, initAck(B_NEW));
            fromB(A_NEW, initAck(B_OTHER));
            fromA(chosen, cookieEcho());
            fromB(A_NEW, cookieAck());
            assertState("ESTABLISHED", chosen, A_NEW);
            fromA(chosen, data());
            ct.tracker.flush(null, ct.clock.nowNs());
        }
    }

    @Test
    void anotherAnswerBehindTheCookieEchoDoesNotSpoilIt() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, initAck(B_OTHER));
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
    }

    @Test
    void clientThatIsRestartedBeforeAnyAnswerIsAnswered() {
        ct.pass(there(0, init(A)));
        assertThat(ct.look(there(0, init(A_NEW)))).isEqualTo("new");
        fromB(A, initAck(B)); // to the one that is no more, which gets an ABORT
        fromA(B, abort());
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there(0, init(A)));
        ct.look(there(0, init(A_NEW)));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
    }

    /** §5.2.2: an INIT that brings other addresses into an association is refused. */
    @Test
    void refusalOfARestartPassesAndChangesNothing() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, abort());
        assertState("ESTABLISHED", B, A);
        fromB(A, data());
        assertThat(ct.look(back(A_NEW, data()))).as("nothing but the refusal").isEqualTo("inv");
        assertThat(ct.look(there(A_NEW, abort()))).as("nor from A").isEqualTo("inv");
    }

    /** Nobody who cannot see the packets breaks an association. */
    @Test
    void forgedInitsChangeNothing() {
        establish();
        for (int tag = 1; tag < 20; tag++) {
            fromA(0, init(tag));
            fromB(tag, initAck(1000 + tag));
            fromB(0, init(2000 + tag));
            fromA(2000 + tag, initAck(3000 + tag));
        }
        assertThat(ct.look(there(77, cookieEcho()))).isEqualTo("inv");
        fromA(B, data());
        fromB(A, data());
        assertState("ESTABLISHED", B, A);
    }

    @Test
    void forgedInitTeachesNothingAboutAnAssociationThatWasPickedUp() {
        ct.pass(there(B, data()));
        assertThat(ct.look(there(0, init(77)))).isEqualTo("new");
        fromB(A, data());
        assertState("ESTABLISHED", B, A);
    }

    // ---- §5.2.4 A: restart while shutting down ----

    @Test
    void restartDuringShutdownIsAnsweredBySentAgainShutdownAck() {
        establish();
        fromA(B, shutdown());
        fromB(A, shutdownAck());
        fromA(0, init(A_NEW));
        fromB(A, shutdownAck()); // §9.2
        fromA(A, shutdownCompleteReflected()); // §8.5.1 E, C
        assertState("CLOSED", B, A);
        assertThat(ct.pass(there(0, init(A_NEW)))).isEqualTo("new");
        assertState("COOKIE_WAIT", 0, A_NEW);
    }

    @Test
    void cookieReceivedWhileShuttingDown() {
        establish();
        fromA(B, shutdown());
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromB(A, shutdownAck());
        fromA(B_NEW, cookieEcho());
        fromB(A, shutdownAck(), error());
        fromA(A, shutdownCompleteReflected());
        assertState("CLOSED", B, A);
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_NEW, A_NEW);
    }

    // ---- §5.2.4 D, §5.2.5: doubled COOKIE ECHO and COOKIE ACK ----

    @Test
    void cookieEchoAndCookieAckMayComeAgain() {
        establish();
        fromA(B, cookieEcho(), data());
        fromB(A, cookieAck());
        fromB(A, cookieAck());
        assertState("ESTABLISHED", B, A);
        fromA(B, shutdown());
        fromA(B, cookieEcho());
        fromB(A, cookieAck());
        assertState("SHUTDOWN_SENT", B, A);
    }

    // ---- §5.2.6: stale cookie ----

    @Test
    void staleCookieOfARestartLeavesTheOldAssociation() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(A_NEW, error());
        assertState("ESTABLISHED", B, A);
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_OTHER));
        fromA(B_OTHER, cookieEcho());
        fromB(A_NEW, cookieAck());
        assertState("ESTABLISHED", B_OTHER, A_NEW);
    }

    // ---- §8.4, §8.5.1: one end knows nothing of it ----

    @Test
    void abortReflectsTheTagOfAnAssociationThatItsSenderHasForgotten() {
        establish();
        assertThat(ct.look(back(A, abortReflected())))
                .as("its own tag, and the T bit")
                .isEqualTo("inv");
        fromA(B, data());
        fromB(B, abortReflected());
        assertState("CLOSED", B, A);
    }

    @Test
    void abortOfACookieEchoThatIsNotLikedReflectsItsTag() {
        establish();
        fromA(0, init(A_NEW));
        fromB(A_NEW, initAck(B_NEW));
        fromA(B_NEW, cookieEcho());
        fromB(B_NEW, abortReflected());
        assertState("ESTABLISHED", B, A);
        fromA(B, data());
    }

    @Test
    void shutdownCompleteGetsLostAndTheOtherEndIsGone() {
        establish();
        fromA(B, shutdown());
        fromB(A, shutdownAck());
        fromA(B, shutdownComplete()); // lost on its way
        assertState("CLOSED", B, A);
        fromB(A, shutdownAck());
        fromA(A, shutdownCompleteReflected()); // §8.4 (5)
        assertState("CLOSED", B, A);
    }

    @Test
    void shutdownAckOfNoAssociationIsAnsweredByReflection() {
        assertThat(ct.pass(there(B, shutdownAck()))).isEqualTo("new");
        fromB(B, shutdownCompleteReflected());
        assertState("CLOSED", B, 0);
    }

    private void establish() {
        ct.pass(there(0, init(A)));
        fromB(A, initAck(B));
        fromA(B, cookieEcho());
        fromB(A, cookieAck());
        assertState("ESTABLISHED", B, A);
    }

    private void fromA(int tag, byte[]... chunks) {
        assertThat(ct.look(there(tag, chunks))).isEqualTo("est");
    }

    private void fromB(int tag, byte[]... chunks) {
        fromB(tag, "est|rpl", chunks);
    }

    private void fromB(int tag, String state, byte[]... chunks) {
        Frame frame = back(tag, chunks);
        assertThat(ct.look(frame)).isEqualTo(state);
    }

    private void assertState(String state, int original, int reply) {
        assertThat(ct.dump())
                .singleElement()
                .asString()
                .endsWith("protoinfo=(state=" + state + ",vtag_orig=" + Integer.toUnsignedString(original)
                        + ",vtag_reply=" + Integer.toUnsignedString(reply) + ")");
    }
}
