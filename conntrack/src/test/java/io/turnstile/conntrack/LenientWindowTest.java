package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.portUnreachable;
import static io.turnstile.packet.Frames.tcp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Which TCP packets software takes while somebody else carries others: what goes on elsewhere, and nothing that ends a
 * connection from far.
 */
class LenientWindowTest {
    private static final String THERE = "10.0.0.1:1234 > 10.0.0.2:80";
    private static final String BACK = "10.0.0.2:80 > 10.0.0.1:1234";
    private static final long CLIENT = 101;
    private static final long SERVER = 901;
    /** What was carried before software sees the next packet: more than any window. */
    private static final long CARRIED = 100_000_000;

    private final TrackerFixture ct = new TrackerFixture();
    private final ConnectionSnapshot seen = new ConnectionSnapshot();
    private long id;

    private static Frame there(String segment) {
        return tcp(THERE).window(60_000).segment(segment);
    }

    private static Frame back(String segment) {
        return tcp(BACK).window(60_000).segment(segment);
    }

    @BeforeEach
    void handshake() {
        ct.pass(there("[S] seq 100"));
        ct.look(back("[S.] seq 900 ack 101"));
        ct.look(there("[.] seq 101 ack 901"));
        id = ct.ids().getFirst();
    }

    private String states() {
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        return seen.originalTcpState + " " + seen.replyTcpState;
    }

    private String data(boolean reply, long sequence, long acknowledged) {
        String segment = "[P.] seq " + sequence + " ack " + acknowledged + " len 10";
        return ct.look(reply ? back(segment) : there(segment));
    }

    private String reset(boolean reply, long sequence) {
        return ct.look(reply ? back("[R] seq " + sequence) : there("[R] seq " + sequence));
    }

    // ---- what is taken ----

    @Test
    void finAfterMuchWasCarriedMovesTheStates() {
        ct.tracker.hold(id);
        assertThat(ct.look(back("[F.] seq " + (SERVER + CARRIED) + " ack " + (CLIENT + 5000))))
                .isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("ESTABLISHED CLOSING");
        assertThat(ct.look(there("[F.] seq " + (CLIENT + 5000) + " ack " + (SERVER + CARRIED + 1))))
                .isEqualTo("est");
        assertThat(states()).isEqualTo("CLOSING FIN_WAIT_2");
        assertThat(ct.look(back("[.] seq " + (SERVER + CARRIED + 1) + " ack " + (CLIENT + 5001))))
                .isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("FIN_WAIT_2 FIN_WAIT_2");
    }

    @Test
    void itStaysLenientAfterAPacketOfEachSide() {
        ct.tracker.hold(id);
        for (long carried = CARRIED; carried < 20 * CARRIED; carried += CARRIED) {
            assertThat(data(false, CLIENT + carried, SERVER)).isEqualTo("est");
            assertThat(data(true, SERVER + carried, CLIENT + carried)).isEqualTo("est|rpl");
        }
    }

    @Test
    void holdInOneDirectionOnlyIsLenient() {
        ct.tracker.hold(id);
        for (long carried = 0; carried < 10 * CARRIED; carried += CARRIED) {
            assertThat(ct.look(there("[.] seq " + CLIENT + " ack " + (SERVER + carried))))
                    .isEqualTo("est");
        }
        assertThat(reset(false, CLIENT))
                .as("all of the client's packets were seen")
                .isEqualTo("est");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
    }

    @Test
    void withTwoHoldersTheFirstToLetGoChangesNothing() {
        ct.tracker.hold(id);
        ct.tracker.hold(id);
        ct.tracker.unhold(id, new TcpResume(101, 60_101, 901, 60_901));
        assertThat(data(false, CLIENT + CARRIED, SERVER)).isEqualTo("est");
        assertThat(data(true, SERVER, CLIENT + CARRIED + 10)).isEqualTo("est|rpl");
        assertThat(data(false, CLIENT + 2 * CARRIED, SERVER + 10)).isEqualTo("est");
    }

    @Test
    void errorsOfACarriedConnectionAreRelated() {
        ct.tracker.hold(id);
        byte[] quoted =
                there("[P.] seq " + (CLIENT + CARRIED) + " ack 901 len 10").bytes();
        assertThat(ct.look(portUnreachable("10.0.0.2 > 10.0.0.1", quoted))).isEqualTo("rel|rpl");
    }

    // ---- after it ----

    @Test
    void itIsStrictAgainOnceBothSidesWereSeen() {
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        assertThat(data(false, CLIENT + CARRIED, SERVER + CARRIED)).isEqualTo("est");
        assertThat(data(false, CLIENT + 2 * CARRIED, SERVER + 2 * CARRIED)).isEqualTo("est");
        assertThat(data(true, SERVER + 2 * CARRIED, CLIENT + 2 * CARRIED + 10)).isEqualTo("est|rpl");
        assertThat(data(false, CLIENT + 3 * CARRIED, SERVER + 2 * CARRIED + 10)).isEqualTo("inv");
        assertThat(data(false, CLIENT + 2 * CARRIED + 10, SERVER + 2 * CARRIED + 10))
                .isEqualTo("est");
    }

    @Test
    void sidesThatDisagreeAreNotBelievedYet() {
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        assertThat(data(false, 700_000_000, 800_000_000)).isEqualTo("est");
        assertThat(data(true, SERVER + CARRIED, CLIENT + CARRIED)).isEqualTo("est|rpl");
        assertThat(data(false, CLIENT + CARRIED, SERVER + CARRIED + 10))
                .as("still lenient")
                .isEqualTo("est");
        assertThat(data(false, 700_000_010, 800_000_000)).as("now strict").isEqualTo("inv");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1000, CARRIED, 3_000_000_000L, 0xffff_0000L})
    void whatTheCarrierKnewIsGoneOnWithStrictly(long carried) {
        ct.tracker.hold(id);
        long client = CLIENT + carried;
        long server = SERVER + 2 * carried;
        ct.tracker.unhold(id, new TcpResume((int) client, (int) client + 60_000, (int) server, (int) server + 60_000));
        states();
        assertThat(seen.originalTcpSentEnd).isEqualTo((int) client);
        assertThat(seen.originalTcpAllowedEnd).isEqualTo((int) client + 60_000);
        assertThat(seen.replyTcpSentEnd).isEqualTo((int) server);
        assertThat(seen.replyTcpAllowedEnd).isEqualTo((int) server + 60_000);
        assertThat(seen.held).isFalse();
        assertThat(data(false, client + CARRIED, server)).isEqualTo("inv");
        assertThat(data(true, server - CARRIED, client)).isEqualTo("inv");
        assertThat(data(false, client, server)).isEqualTo("est");
        assertThat(data(true, server, client + 10)).isEqualTo("est|rpl");
        assertThat(reset(true, server + 100)).isEqualTo("inv");
        assertThat(reset(true, server + 10)).isEqualTo("est|rpl");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 901, Integer.MIN_VALUE})
    void numbersOfASideThatWasNeverSeenDoNotCount(int told) {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        ct.tracker.unhold(id, new TcpResume((int) (CLIENT + CARRIED), (int) (CLIENT + CARRIED) + 60_000, told, told));
        states();
        assertThat(seen.originalTcpSentEnd).isEqualTo((int) (CLIENT + CARRIED));
        assertThat(seen.replyTcpSentEnd).as("what it was").isZero();
        assertThat(data(true, 3_000_000_000L, CLIENT + CARRIED)).isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("ESTABLISHED SYN_SENT");
        assertThat(data(false, CLIENT + CARRIED, 3_000_000_010L)).isEqualTo("est");
        assertThat(data(true, 3_000_000_010L + CARRIED, CLIENT + CARRIED + 10))
                .as("strict once it was seen")
                .isEqualTo("inv");
        assertThat(data(true, 3_000_000_010L, CLIENT + CARRIED + 10)).isEqualTo("est|rpl");
    }

    @Test
    void sideThatWasSeenMayResetThoughTheOtherWasNot() {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        ct.tracker.unhold(id, new TcpResume(5000, 65_000, 0, 0));
        assertThat(reset(false, 101)).isEqualTo("inv");
        assertThat(reset(false, 5000)).isEqualTo("est");
    }

    /** Whatever a carrier tells harms the one connection, and that one's packets only. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void absurdNumbersHarmTheirOwnConnectionOnly(int seed) {
        Random random = new Random(seed);
        int[] limits = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, (int) CLIENT, (int) SERVER};
        ct.pass(tcp("10.0.0.3:1234 > 10.0.0.2:80").window(60_000).segment("[S] seq 100"));
        String other = ct.dump(true, true).getLast();
        for (int round = 0; round < 500; round++) {
            TcpResume absurd = new TcpResume(
                    random.nextBoolean() ? random.nextInt() : limits[random.nextInt(limits.length)],
                    random.nextBoolean() ? random.nextInt() : limits[random.nextInt(limits.length)],
                    random.nextBoolean() ? random.nextInt() : limits[random.nextInt(limits.length)],
                    random.nextBoolean() ? random.nextInt() : limits[random.nextInt(limits.length)]);
            ct.tracker.hold(id);
            ct.tracker.unhold(id, absurd);
            assertThat(data(false, CLIENT, SERVER)).isIn("est", "inv");
            assertThat(data(true, SERVER, CLIENT)).isIn("est|rpl", "inv");
            assertThat(data(false, random.nextInt() & 0xffff_ffffL, SERVER)).isIn("est", "inv");
            assertThat(states()).isEqualTo("ESTABLISHED ESTABLISHED");
            assertThat(ct.dump(true, true)).hasSize(2).contains(other);
        }
        ct.advance(Duration.ofSeconds(86_401));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).as("it expires like any other").isZero();
        handshake();
        assertThat(data(false, CLIENT, SERVER)).as("and another one begins").isEqualTo("est");
    }

    /** A side's own word is not what software knows better. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void carrierIsBelievedBeforeOneSidesOwnWord(boolean reply) {
        ct.tracker.hold(id);
        long client = CLIENT + CARRIED;
        long server = SERVER + CARRIED;
        data(reply, (reply ? server : client) + 1000, (reply ? client : server) + 1000);
        ct.tracker.unhold(id, new TcpResume((int) client, (int) client + 60_000, (int) server, (int) server + 60_000));
        states();
        assertThat(seen.originalTcpSentEnd).isEqualTo((int) client);
        assertThat(seen.replyTcpSentEnd).isEqualTo((int) server);
    }

    @Test
    void whatSoftwareHasSeenLaterIsNotForgotten() {
        ct.tracker.hold(id);
        long client = CLIENT + CARRIED;
        data(false, client + 1000, SERVER);
        data(true, SERVER, client + 1010);
        ct.tracker.unhold(id, new TcpResume((int) client, (int) client + 60_000, (int) SERVER, (int) SERVER + 60_000));
        states();
        assertThat(seen.originalTcpSentEnd).isEqualTo((int) client + 1010);
        assertThat(seen.replyTcpSentEnd).isEqualTo((int) SERVER + 10);
    }

    // ---- what is not ----

    @Test
    void blindResetDoesNothing() {
        ct.tracker.hold(id);
        ct.advance(Duration.ofSeconds(10));
        String before = ct.dump(true, true).getFirst();
        for (boolean reply : new boolean[] {false, true}) {
            long next = reply ? SERVER : CLIENT;
            for (long off : new long[] {-40_000, -3, 3, 100, 59_000, CARRIED, -CARRIED}) {
                assertThat(reset(reply, next + off)).as("off by %d", off).isEqualTo("inv");
                String acknowledging = "[R.] seq " + (next + off) + " ack " + (reply ? CLIENT : SERVER);
                assertThat(ct.look(reply ? back(acknowledging) : there(acknowledging)))
                        .isEqualTo("inv");
            }
        }
        assertThat(ct.dump(true, true)).containsExactly(before);
        assertThat(data(false, CLIENT, SERVER)).isEqualTo("est");
        assertThat(reset(false, CLIENT + 10)).as("no reset has moved anything").isEqualTo("est");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void resetOnTheSpotEndsTheConnection(boolean reply) {
        ct.tracker.hold(id);
        assertThat(reset(reply, reply ? SERVER : CLIENT)).isEqualTo(reply ? "est|rpl" : "est");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
        assertThat(ct.dump(false, true).getFirst()).contains("timeout=30,");
    }

    /** What each side has said, and what the other has acknowledged, tells where both are. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void resetIsMeasuredByWhatWasSeenMeanwhile(boolean reply) {
        ct.tracker.hold(id);
        data(false, CLIENT + CARRIED, SERVER + CARRIED);
        data(true, SERVER + CARRIED, CLIENT + CARRIED + 10);
        assertThat(reset(reply, reply ? SERVER : CLIENT)).as("where it was").isEqualTo("inv");
        assertThat(reset(reply, (reply ? SERVER : CLIENT) + CARRIED + 10)).isEqualTo(reply ? "est|rpl" : "est");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
    }

    @Test
    void acknowledgementTellsWhereTheOtherSideIs() {
        ct.tracker.hold(id);
        data(false, CLIENT + CARRIED, SERVER + CARRIED);
        assertThat(reset(true, SERVER + CARRIED)).isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
    }

    @Test
    void acknowledgementOfALittleMoreTellsItToo() {
        ct.tracker.hold(id);
        ct.look(there("[.] seq " + CLIENT + " ack " + (SERVER + 1000)));
        assertThat(reset(true, SERVER)).isEqualTo("inv");
        assertThat(reset(true, SERVER + 1000)).isEqualTo("est|rpl");
    }

    /** A packet that is believed and a reset at its number are one guess, not a way past RFC 5961. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sideDoesNotSetTheNumberOfItsOwnReset(boolean released) {
        ct.tracker.hold(id);
        data(false, 700_000_000, 800_000_000);
        assertThat(reset(false, 700_000_010)).isEqualTo("inv");
        data(false, 700_000_010, 800_000_000);
        if (released) {
            ct.tracker.unhold(id, null);
        }
        assertThat(reset(false, 700_000_020)).isEqualTo("inv");
        assertThat(states()).isEqualTo("ESTABLISHED ESTABLISHED");
        data(true, SERVER + CARRIED, CLIENT + CARRIED);
        assertThat(reset(false, 700_000_020)).isEqualTo("inv");
        assertThat(reset(false, CLIENT + CARRIED)).as("as the server says").isEqualTo("est");
    }

    /** A number near the right one is soon guessed: the acknowledgement must be right as well, or the number exact. */
    @ParameterizedTest
    @CsvSource({
        "false, 50000",
        "false, 2",
        "false, -5",
        "false, -60000",
        "true, 50000",
        "true, 2",
        "true, -5",
        "true, -60000"
    })
    void numberThatIsNearIsNoReasonToBelieveItsReset(boolean reply, long off) {
        ct.tracker.hold(id);
        long forged = (reply ? SERVER : CLIENT) + off;
        data(reply, forged, 3_000_000_000L);
        assertThat(reset(reply, forged + 10)).isEqualTo("inv");
        data(reply, forged + 10, 3_000_000_000L);
        assertThat(reset(reply, forged + 20)).as("nor is what agrees with it").isEqualTo("inv");
        data(!reply, reply ? CLIENT : SERVER, reply ? SERVER : CLIENT);
        assertThat(reset(reply, forged + 20)).as("nor what the other side says").isEqualTo("inv");
        assertThat(states()).isEqualTo("ESTABLISHED ESTABLISHED");
        assertThat(reset(reply, reply ? SERVER : CLIENT))
                .as("as the other side says")
                .isEqualTo(reply ? "est|rpl" : "est");
    }

    /** A packet that is its sender's own word must not set what the next one's acknowledgement is to be. */
    @Test
    void acknowledgementIsNotConfirmedByAnotherOfTheSameSide() {
        ct.tracker.hold(id);
        data(false, CLIENT - 40_000, 3_000_000_000L);
        data(false, CLIENT + 40_000, 3_000_000_000L);
        assertThat(reset(false, CLIENT + 40_010)).isEqualTo("inv");
    }

    /** After a jump of one side the other one's number is known: its own packets must not be near it only. */
    @Test
    void otherSideMustAgreeInBothNumbers() {
        ct.tracker.hold(id);
        data(false, CLIENT + CARRIED, SERVER + CARRIED);
        data(true, SERVER + CARRIED + 20_000, 3_000_000_000L);
        assertThat(reset(true, SERVER + CARRIED + 20_010)).isEqualTo("inv");
    }

    @Test
    void synDoesNotSetTheNumberOfAReset() {
        ct.tracker.hold(id);
        assertThat(ct.look(there("[S] seq " + (CLIENT + 200)))).isEqualTo("est");
        assertThat(reset(false, CLIENT + 201)).isEqualTo("inv");
        assertThat(reset(false, CLIENT)).isEqualTo("est");
    }

    /** Both directions with data under way, of which a part is lost or carried. */
    @Test
    void gapOfAPacketThatAcknowledgesRightlyIsNone() {
        ct.tracker.hold(id);
        long client = CLIENT + CARRIED;
        long server = SERVER + CARRIED;
        data(false, client + 3000, server);
        data(true, server + 2000, client);
        data(false, client + 6000, server + 500);
        assertThat(data(true, server + 4000, client + 3010)).isEqualTo("est|rpl");
        assertThat(reset(true, server + 4000)).isEqualTo("inv");
        assertThat(reset(true, server + 4010)).isEqualTo("est|rpl");
    }

    @Test
    void dataUnderWayBothWaysDoNotKeepItLenient() {
        ct.tracker.hold(id);
        ct.tracker.unhold(id, null);
        long client = CLIENT + CARRIED;
        long server = SERVER + CARRIED;
        data(false, client + 3000, server);
        data(true, server + 2000, client);
        assertThat(data(false, client + 2 * CARRIED, server)).isEqualTo("inv");
        assertThat(data(false, client + 3010, server + 100)).isEqualTo("est");
    }

    /**
     * The same packets meet the connection while it is held and one that software alone follows; some are forged, of
     * one side's address. What does not end the one does not end the other.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void carriedIsEndedByNothingThatDoesNotEndItInSoftware(int seed) {
        Random random = new Random(seed);
        boolean forgedReply = seed % 2 == 0;
        for (int round = 0; round < 2000; round++) {
            LenientWindowTest software = new LenientWindowTest();
            software.handshake();
            LenientWindowTest held = new LenientWindowTest();
            held.handshake();
            held.ct.tracker.hold(held.id);
            long[] next = {CLIENT, SERVER};
            for (int step = 0; step < 6; step++) {
                int forger = forgedReply ? 1 : 0;
                long forged = next[forger] + around(random);
                String acknowledging = " ack " + (next[forger ^ 1] + around(random));
                String segment = switch (random.nextInt(6)) {
                    case 0 -> "[S] seq " + forged;
                    case 1 -> "[S.] seq " + forged + acknowledging;
                    default -> "[P.] seq " + forged + acknowledging + " len 10";
                };
                String reset = "[R] seq " + (forged + (segment.startsWith("[P") ? 10 : 1));
                int side = random.nextInt(4);
                if (side < 2) {
                    String genuine = "[P.] seq " + next[side] + " ack " + next[side ^ 1] + " len 10";
                    held.ct.look(side == 1 ? back(genuine) : there(genuine));
                    software.ct.look(side == 1 ? back(genuine) : there(genuine));
                    next[side] += 10;
                }
                for (String packet : new String[] {segment, reset}) {
                    software.ct.look(forgedReply ? back(packet) : there(packet));
                    held.ct.look(forgedReply ? back(packet) : there(packet));
                }
                if (software.states().startsWith("TIME_WAIT")) {
                    break;
                }
                assertThat(held.states()).as("%s in round %d", segment, round).isEqualTo("ESTABLISHED ESTABLISHED");
            }
        }
    }

    /** Near but not exact, or anywhere. */
    private static long around(Random random) {
        int off = random.nextInt(100, 60_000);
        return random.nextInt(3) == 0 ? random.nextInt(1 << 20, 1 << 30) : random.nextBoolean() ? off : -off;
    }

    @Test
    void synWithinACarriedConnectionChangesNothing() {
        ct.tracker.hold(id);
        ct.advance(Duration.ofSeconds(10));
        String before = ct.dump(true, true).getFirst();
        assertThat(ct.look(there("[S] seq " + (CLIENT + CARRIED)))).isEqualTo("est");
        assertThat(ct.look(back("[S] seq " + (SERVER - CARRIED)))).isEqualTo("est|rpl");
        assertThat(ct.look(there("[S] seq " + (CLIENT + 100)))).isEqualTo("est");
        assertThat(ct.dump(true, true)).containsExactly(before);
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        assertThat(seen.replyTcpSentEnd).isEqualTo((int) SERVER);
    }

    /** RFC 9293 §3.5.1 figure 9: the server's answer tells where the client was, and its reset is measured by that. */
    @Test
    void halfOpenConnectionIsClearedThoughItsNumbersMovedOnElsewhere() {
        ct.tracker.hold(id);
        assertThat(ct.look(there("[S] seq 3000000000"))).isEqualTo("est");
        assertThat(ct.look(back("[.] seq " + (SERVER + CARRIED) + " ack " + (CLIENT + CARRIED))))
                .isEqualTo("est|rpl");
        assertThat(reset(false, CLIENT)).isEqualTo("inv");
        assertThat(reset(false, CLIENT + CARRIED)).isEqualTo("est");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
    }

    @Test
    void refusalMustAcknowledgeTheSynThatIsHeld() {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        assertThat(ct.look(back("[R] seq 0"))).isEqualTo("inv");
        assertThat(ct.look(back("[R.] seq 0 ack 5000"))).isEqualTo("inv");
        assertThat(states()).isEqualTo("SYN_SENT CLOSED");
        assertThat(ct.look(back("[R.] seq 0 ack 101"))).isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("TIME_WAIT TIME_WAIT");
    }

    /** Its number is the side's own word, and zero is nobody's. */
    @Test
    void synThatCrossesTheHeldOneDoesNotSetTheNumberOfItsOwnReset() {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        assertThat(ct.look(back("[S] seq 700000000"))).isEqualTo("new");
        for (long forged : new long[] {0, 1, 700_000_000, 700_000_001}) {
            assertThat(reset(true, forged)).isEqualTo("inv");
        }
        assertThat(ct.look(there("[S.] seq 100 ack 700000001"))).isEqualTo("est");
        assertThat(reset(true, 700_000_001)).as("as the client says").isEqualTo("est|rpl");
    }

    @Test
    void synThatIsHeldIsNotSetBackByAnother() {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        assertThat(ct.look(there("[S] seq 700000000"))).isEqualTo("new");
        assertThat(reset(false, 700_000_001)).isEqualTo("inv");
        assertThat(states()).isEqualTo("SYN_SENT CLOSED");
    }

    @Test
    void handshakeOfAConnectionThatIsHeldFromItsCommitOn() {
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.pass(there("[S] seq 100 wscale 7"));
        id = ct.ids().getFirst();
        ct.tracker.hold(id);
        assertThat(ct.look(back("[S.] seq 900 ack 101 wscale 8"))).isEqualTo("est|rpl");
        assertThat(states()).isEqualTo("ESTABLISHED SYN_SENT");
        assertThat(ct.look(there("[.] seq 101 ack 901"))).isEqualTo("est");
        assertThat(states()).isEqualTo("ESTABLISHED ESTABLISHED");
        assertThat(seen.originalTcpScale).isEqualTo(7);
        assertThat(seen.replyTcpScale).isEqualTo(8);
        assertThat(seen.replyTcpSentEnd).isEqualTo(901);
        assertThat(reset(true, 901)).isEqualTo("est|rpl");
    }

    /**
     * Both sides talk, and software sees a part of it, all of it while nobody carries; somebody forges packets of the
     * client's address, with numbers far from the real ones, and resets at just these numbers.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void nobodyEndsACarriedConnectionFromOneSide(int seed) {
        Random random = new Random(seed);
        long client = CLIENT;
        long server = SERVER;
        int holds = 0;
        for (int step = 0; step < 4000; step++) {
            boolean reply = random.nextBoolean();
            switch (random.nextInt(12)) {
                case 0 -> {
                    ct.tracker.hold(id);
                    holds++;
                }
                case 1 -> {
                    boolean knows = random.nextBoolean();
                    ct.tracker.unhold(
                            id,
                            knows
                                    ? new TcpResume(
                                            (int) client, (int) client + 60_000, (int) server, (int) server + 60_000)
                                    : null);
                    holds = Math.max(0, holds - 1);
                }
                case 2, 3 -> {
                    long carried = holds == 0 ? 0 : random.nextInt(300_000);
                    client += reply ? 0 : carried;
                    server += reply ? carried : 0;
                }
                case 4, 5, 6, 7, 8 -> {
                    String state = reply ? data(true, server, client) : data(false, client, server);
                    assertThat(state).as("step %d", step).isEqualTo(reply ? "est|rpl" : "est");
                    client += reply ? 0 : 10;
                    server += reply ? 10 : 0;
                }
                default -> {
                    long forged = client + 1_500_000_000L + random.nextInt(500_000_000);
                    long acknowledged = server + 1_500_000_000L + random.nextInt(500_000_000);
                    String kind = random.nextBoolean() ? "[.]" : random.nextBoolean() ? "[P.]" : "[S.]";
                    ct.look(there(kind + " seq " + forged + " ack " + acknowledged));
                    reset(false, forged + random.nextInt(2));
                    ct.look(there("[S] seq " + forged));
                }
            }
            assertThat(states()).as("step %d", step).isEqualTo("ESTABLISHED ESTABLISHED");
        }
    }

    @Test
    void uncheckedWindowStaysUnchecked() {
        ct.tracker.setTcpWindowChecked(false);
        ct.tracker.hold(id);
        assertThat(reset(false, 5)).isEqualTo("est");
    }
}
