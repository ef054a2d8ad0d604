package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.TcpTransitions.Kind;
import io.turnstile.conntrack.TcpTransitions.SynStep;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every cell of the tables against the rules said as sentences. */
class TcpTransitionsTest {
    private static final TcpState[] USED = {
        TcpState.CLOSED,
        TcpState.SYN_SENT,
        TcpState.ESTABLISHED,
        TcpState.CLOSING,
        TcpState.FIN_WAIT_2,
        TcpState.TIME_WAIT
    };

    static Stream<Arguments> cells() {
        List<Arguments> cells = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            for (TcpState sender : USED) {
                for (TcpState receiver : USED) {
                    if (kind != Kind.IMPOSSIBLE) {
                        cells.add(Arguments.of(kind, sender, receiver));
                    }
                }
            }
        }
        return cells.stream();
    }

    @ParameterizedTest
    @MethodSource("cells")
    void everyCellFollowsTheRules(Kind kind, TcpState sender, TcpState receiver) {
        TcpState nextSender = sender.compareTo(TcpState.SYN_SENT) < 0 ? TcpState.SYN_SENT : sender;
        TcpState nextReceiver = receiver;
        if (kind == Kind.FIN && nextSender.compareTo(TcpState.CLOSING) < 0) {
            nextSender = TcpState.CLOSING;
        }
        boolean acknowledges = kind == Kind.SYN_ACK || kind == Kind.ACK || kind == Kind.FIN;
        if (acknowledges && receiver == TcpState.SYN_SENT) {
            nextReceiver = TcpState.ESTABLISHED;
        }
        if (acknowledges && receiver == TcpState.CLOSING) {
            nextReceiver = TcpState.FIN_WAIT_2;
        }
        if (kind == Kind.RST) {
            nextSender = nextReceiver = TcpState.TIME_WAIT;
        }
        assertThat(TcpTransitions.sender(kind, sender.ordinal())).isEqualTo(nextSender.ordinal());
        assertThat(TcpTransitions.receiver(kind, receiver.ordinal())).isEqualTo(nextReceiver.ordinal());
    }

    @Test
    void everyPairOfStatesHasItsTimeout() {
        for (TcpState a : USED) {
            for (TcpState b : USED) {
                TcpState less = a.compareTo(b) < 0 ? a : b;
                TcpState more = a.compareTo(b) < 0 ? b : a;
                Timeout expected = less.compareTo(TcpState.FIN_WAIT_2) >= 0
                        ? Timeout.TCP_CLOSE
                        : less.compareTo(TcpState.CLOSING) >= 0
                                ? Timeout.TCP_TIME_WAIT
                                : less.compareTo(TcpState.ESTABLISHED) < 0
                                        ? Timeout.TCP_SYN_RECV
                                        : more.compareTo(TcpState.CLOSING) >= 0
                                                ? Timeout.TCP_FIN_WAIT
                                                : Timeout.TCP_ESTABLISHED;
                assertThat(TcpTransitions.timeout(a.ordinal(), b.ordinal()))
                        .as("%s %s", a, b)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void everyPairOfStatesHasItsAnswerToSyn() {
        for (TcpState sender : USED) {
            for (TcpState receiver : USED) {
                boolean over =
                        sender.compareTo(TcpState.FIN_WAIT_2) >= 0 && receiver.compareTo(TcpState.FIN_WAIT_2) >= 0;
                SynStep expected = over
                        ? SynStep.REOPEN
                        : sender.compareTo(TcpState.SYN_SENT) <= 0 ? SynStep.FIRST : SynStep.CHECK;
                assertThat(TcpTransitions.synStep(sender.ordinal(), receiver.ordinal()))
                        .as("%s %s", sender, receiver)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void everyCombinationOfFlagsIsSorted() {
        for (int flags = 0; flags < 64; flags++) {
            boolean fin = (flags & 1) != 0;
            boolean syn = (flags & 2) != 0;
            boolean rst = (flags & 4) != 0;
            boolean push = (flags & 8) != 0;
            boolean ack = (flags & 16) != 0;
            boolean urgent = (flags & 32) != 0;
            boolean impossible = syn && (rst || fin) || !syn && !ack && !rst || !ack && (fin || push || urgent);
            Kind expected = impossible
                    ? Kind.IMPOSSIBLE
                    : syn ? ack ? Kind.SYN_ACK : Kind.SYN : rst ? Kind.RST : fin ? Kind.FIN : Kind.ACK;
            assertThat(TcpTransitions.kind(flags)).as("flags %02x", flags).isEqualTo(expected);
        }
    }
}
