package io.turnstile.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Lab;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The peer of {@code ./turnstile bench setup --peer}: what is measured of it is set up, too. */
@Tag("system")
class SetupPeerTest {
    private static final int CONNECTIONS = 500;

    @ParameterizedTest
    @EnumSource
    void allHandshakesPass(SetupRules rules) throws Exception {
        try (Lab lab = new Lab("su");
                SetupPeer peer = new SetupPeer(lab, rules, new Handshakes(CONNECTIONS, 200))) {
            peer.round();
            SetupRound round = peer.round();
            assertThat(round.slice().packets()).isEqualTo(CONNECTIONS * Handshakes.FRAMES);
            assertThat(round.slice().cpuNs()).isPositive();
            assertThat(round.misses()).isGreaterThanOrEqualTo(rules == SetupRules.MISSES ? 3 * CONNECTIONS : 0);
        }
    }
}
