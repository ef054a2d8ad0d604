package io.turnstile.conntrack;

import static io.turnstile.conntrack.SctpChunkBytes.abort;
import static io.turnstile.conntrack.SctpChunkBytes.auth;
import static io.turnstile.conntrack.SctpChunkBytes.back;
import static io.turnstile.conntrack.SctpChunkBytes.cookieAck;
import static io.turnstile.conntrack.SctpChunkBytes.cookieEcho;
import static io.turnstile.conntrack.SctpChunkBytes.data;
import static io.turnstile.conntrack.SctpChunkBytes.error;
import static io.turnstile.conntrack.SctpChunkBytes.heartbeat;
import static io.turnstile.conntrack.SctpChunkBytes.init;
import static io.turnstile.conntrack.SctpChunkBytes.initAck;
import static io.turnstile.conntrack.SctpChunkBytes.shutdown;
import static io.turnstile.conntrack.SctpChunkBytes.shutdownAck;
import static io.turnstile.conntrack.SctpChunkBytes.shutdownComplete;
import static io.turnstile.conntrack.SctpChunkBytes.there;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every cell of the SCTP tables through the tracker itself, five seconds after the state was reached. A cell reads: the
 * state after it, {@code inv}, or {@code reopen}; {@code !} where the packet must not prolong the connection's life,
 * {@code ?} where the connection counts as unanswered still.
 */
class SctpCellsTest {
    private static final int TO_CLIENT = 0xc11e0001;
    private static final int TO_SERVER = 0x5e4f0001;
    private static final long ABOUT_TO_WRAP_NS = Long.MAX_VALUE - 3_000_000_000L;
    private static final String STATES = "CL CW CE ES SS SR SA HS";
    private static final String TABLE = """
            chunk             from   CL     CW     CE     ES     SS     SR     SA     HS
            DATA              there  CL!    inv    CE     ES     SS     SR     SA     HS?
            INIT              there  reopen CW     CE!    ES!    SS!    SR!    SA!    HS!?
            INIT_ACK          there  CL!    CW     CE     ES     SS     SR     SA     HS?
            HEARTBEAT         there  CL!    inv    CE     ES     SS     SR     SA     HS?
            ABORT             there  CL!    CL     CL     CL     CL     CL     CL     CL?
            SHUTDOWN          there  CL!    inv    CE     SS     SS     SR     SA     SS?
            SHUTDOWN_ACK      there  CL!    CW     CE     ES     SA     SA     SA     HS?
            ERROR             there  CL!    inv    CE     ES     SS     SR     SA     HS?
            COOKIE_ECHO       there  CL!    CE     CE     ES     SS     SR     SA     HS?
            COOKIE_ACK        there  CL!    inv    ES     ES     SS     SR     SA     HS?
            SHUTDOWN_COMPLETE there  CL!    CW     CE     ES     SS     SR     CL     HS?
            AUTH              there  CL!    CW     CE     ES     SS     SR     SA     HS?
            DATA              back   CL!    inv    CE     ES     SS     SR     SA     ES
            INIT              back   reopen CW!    CE!    ES!    SS!    SR!    SA!    HS!?
            INIT_ACK          back   CL!    CW     CE     ES     SS     SR     SA     ES
            HEARTBEAT         back   CL!    inv    CE     ES     SS     SR     SA     ES
            ABORT             back   CL!    CL     CL     CL     CL     CL     CL     CL
            SHUTDOWN          back   CL!    inv    CE     SR     SS     SR     SA     SR
            SHUTDOWN_ACK      back   CL!    CW     CE     ES     SA     SA     SA     ES
            ERROR             back   CL!    inv    CE     ES     SS     SR     SA     ES
            COOKIE_ECHO       back   CL!    CE     CE     ES     SS     SR     SA     ES
            COOKIE_ACK        back   CL!    inv    ES     ES     SS     SR     SA     ES
            SHUTDOWN_COMPLETE back   CL!    CW     CE     ES     SS     SR     CL     ES
            AUTH              back   CL!    CW     CE     ES     SS     SR     SA     ES
            """;

    static Stream<Arguments> cells() {
        List<Arguments> cells = new ArrayList<>();
        for (String line : TABLE.lines().skip(1).toList()) {
            String[] words = line.split(" +");
            for (int i = 0; i < 8; i++) {
                for (long originNs : new long[] {0, ABOUT_TO_WRAP_NS}) {
                    cells.add(Arguments.of(
                            words[0], words[1].equals("there") ? 0 : 1, STATES.split(" ")[i], words[2 + i], originNs));
                }
            }
        }
        return cells.stream();
    }

    @ParameterizedTest(name = "{0} of side {1} in {2} makes {3}, from {4} ns")
    @MethodSource("cells")
    void cellIsAsWritten(String chunk, int direction, String state, String expected, long originNs) {
        TrackerFixture ct = new TrackerFixture(originNs, 10);
        bring(ct, state);
        assertThat(ct.dump().getFirst()).contains("state=" + name(state) + ",");
        long before = ct.ids().getFirst();
        ct.advance(Duration.ofSeconds(5));
        int tag = chunk.equals("INIT") ? 0 : direction == 0 ? TO_SERVER : TO_CLIENT;
        String ctState = ct.pass(SctpChunkBytes.sent(direction, tag, bytes(chunk, direction)));
        String next = expected.substring(0, 2);
        if (expected.equals("reopen")) {
            assertThat(ctState).isEqualTo("new");
            assertThat(ct.ids()).hasSize(1).doesNotContain(before);
            next = "CW";
        } else if (expected.equals("inv")) {
            assertThat(ctState).isEqualTo("inv");
            next = state;
        } else {
            assertThat(ctState).isEqualTo(expected.endsWith("?") ? "new" : direction == 0 ? "est" : "est|rpl");
            assertThat(ct.ids()).containsExactly(before);
        }
        boolean kept = expected.contains("!") || expected.equals("inv");
        long left = kept ? seconds(state) - 5 : seconds(next);
        assertThat(ct.dump(true, true).getFirst())
                .contains("state=" + name(next) + ",")
                .contains(",timeout=" + left + ",");
        ct.advance(Duration.ofSeconds(left));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    private static void bring(TrackerFixture ct, String state) {
        if (state.equals("HS")) {
            ct.pass(there(TO_SERVER, heartbeat()));
            return;
        }
        ct.pass(there(0, init(TO_CLIENT)));
        ct.look(back(TO_CLIENT, initAck(TO_SERVER)));
        if (state.equals("CW")) {
            return;
        }
        ct.look(there(TO_SERVER, cookieEcho()));
        if (state.equals("CE")) {
            return;
        }
        ct.look(back(TO_CLIENT, cookieAck()));
        switch (state) {
            case "ES" -> {}
            case "SS" -> ct.look(there(TO_SERVER, shutdown()));
            case "SR" -> ct.look(back(TO_CLIENT, shutdown()));
            case "SA" -> {
                ct.look(there(TO_SERVER, shutdown()));
                ct.look(back(TO_CLIENT, shutdownAck()));
            }
            case "CL" -> ct.look(back(TO_CLIENT, abort()));
            default -> throw new IllegalArgumentException(state);
        }
    }

    private static byte[] bytes(String chunk, int direction) {
        return switch (chunk) {
            case "DATA" -> data();
            case "INIT" -> init(777);
            case "INIT_ACK" -> initAck(direction == 0 ? TO_CLIENT : TO_SERVER);
            case "HEARTBEAT" -> heartbeat();
            case "ABORT" -> abort();
            case "SHUTDOWN" -> shutdown();
            case "SHUTDOWN_ACK" -> shutdownAck();
            case "ERROR" -> error();
            case "COOKIE_ECHO" -> cookieEcho();
            case "COOKIE_ACK" -> cookieAck();
            case "SHUTDOWN_COMPLETE" -> shutdownComplete();
            case "AUTH" -> auth();
            default -> throw new IllegalArgumentException(chunk);
        };
    }

    private static String name(String twoLetters) {
        return switch (twoLetters) {
            case "CL" -> "CLOSED";
            case "CW" -> "COOKIE_WAIT";
            case "CE" -> "COOKIE_ECHOED";
            case "ES" -> "ESTABLISHED";
            case "SS" -> "SHUTDOWN_SENT";
            case "SR" -> "SHUTDOWN_RECD";
            case "SA" -> "SHUTDOWN_ACK_SENT";
            case "HS" -> "HEARTBEAT_SENT";
            default -> throw new IllegalArgumentException(twoLetters);
        };
    }

    private static long seconds(String state) {
        return switch (state) {
            case "CW", "CE", "ES", "HS" -> 60;
            default -> 30;
        };
    }
}
