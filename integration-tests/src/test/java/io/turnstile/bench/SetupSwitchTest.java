package io.turnstile.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code ./turnstile bench setup} in small. A round itself fails if a frame is lost or a connection missing, so that
 * what is measured is set up.
 */
@Timeout(120)
class SetupSwitchTest {
    private static final int CONNECTIONS = 1_000;
    private static final int IN_FLIGHT = 300;
    private static final int MOST_ROUNDS = 1_000;

    @ParameterizedTest
    @EnumSource
    void allHandshakesPass(SetupRules rules) throws Exception {
        for (int batch : new int[] {1, 7, 32}) {
            try (SetupSwitch own = new SetupSwitch(rules, new Handshakes(CONNECTIONS, IN_FLIGHT), batch)) {
                own.round();
                SetupRound round = own.round();
                assertThat(round.slice().connections()).isEqualTo(CONNECTIONS);
                assertThat(round.slice().packets()).isEqualTo(CONNECTIONS * Handshakes.FRAMES);
                assertThat(round.slice().cpuNs()).isPositive();
                assertThat(round.misses()).isEqualTo(rules.misses() ? 3 * CONNECTIONS + 2 : 0);
            }
        }
    }

    /** Compilers need a while until nothing is made any more only to be thrown away. */
    @ParameterizedTest
    @EnumSource(names = {"HITS", "NAT"})
    void onceWarmNothingIsAllocated(SetupRules rules) throws Exception {
        try (SetupSwitch own = new SetupSwitch(rules, new Handshakes(CONNECTIONS, IN_FLIGHT), 32)) {
            long allocatedBytes = Long.MAX_VALUE;
            for (int i = 0; i < MOST_ROUNDS && allocatedBytes >= CONNECTIONS; i++) {
                allocatedBytes = own.round().allocatedBytes();
            }
            assertThat(allocatedBytes).isLessThan(CONNECTIONS);
        }
    }

    @Test
    void everyClientIsAnotherOne() {
        for (int client : new int[] {0, 1, Handshakes.PORTS - 1, Handshakes.PORTS, 7 * Handshakes.PORTS + 5}) {
            assertThat(Handshakes.client(Handshakes.address(client), Handshakes.port(client)))
                    .isEqualTo(client);
        }
    }
}
