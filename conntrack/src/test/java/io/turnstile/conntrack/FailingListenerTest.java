package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a listener throws, be it an error, keeps no other connection from expiring, and none for ever. */
class FailingListenerTest {
    private static final int CONNECTIONS = 600; // more than a sweep takes at once
    private static final Duration OVER = Duration.ofMinutes(10);

    private final TrackerFixture ct = new TrackerFixture();
    private final Set<Long> removed = new HashSet<>();
    private List<Long> ids = new ArrayList<>();
    private Where fails = Where.NOWHERE;

    /** Where the listener throws. */
    private enum Where {
        NOWHERE,
        ON_REMOVED,
        ON_DEADLINE,
        IS_AWAITED
    }

    private final class Thrower extends IdleListener {
        @Override
        public boolean onDeadline(long connectionId, long nowNs) {
            check(Where.ON_DEADLINE, connectionId);
            return true;
        }

        @Override
        public boolean isAwaited(long connectionId) {
            check(Where.IS_AWAITED, connectionId);
            return false;
        }

        @Override
        public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
            removed.add(connectionId);
            check(Where.ON_REMOVED, connectionId);
            return false;
        }

        private void check(Where where, long connectionId) {
            if (where == fails && connectionId % 7 == 0) {
                throw new StackOverflowError("of a listener");
            }
            if (where == fails && connectionId % 7 == 1) {
                throw new IllegalStateException("of a listener");
            }
        }
    }

    @BeforeEach
    void fill() {
        ct.tracker.setListener(new Thrower());
        for (int port = 1; port <= CONNECTIONS; port++) {
            ct.commit(udp("10.0.0.1:" + port + " > 10.0.0.2:53"));
        }
        ids = ct.ids();
    }

    private void sweepFails() {
        assertThatThrownBy(ct::sweep)
                .isInstanceOfAny(StackOverflowError.class, IllegalStateException.class)
                .hasMessage("of a listener");
    }

    private void allHaveGone() {
        assertThat(removed).hasSize(CONNECTIONS);
        assertThat(ct.tracker.connectionCount()).isZero();
        assertThat(ct.tracker.table().entries.slotsTaken())
                .as("places that nobody gives back")
                .isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"ON_DEADLINE", "IS_AWAITED"})
    void oneThatIsAskedAndThrows(Where where) {
        ids.forEach(ct.tracker::hold);
        fails = where;
        ct.advance(OVER);
        for (int sweep = 0; sweep < 3; sweep++) {
            try {
                ct.sweep();
            } catch (StackOverflowError | IllegalStateException expected) {
                assertThat(expected).hasMessage("of a listener");
            }
            ct.advance(Duration.ofSeconds(2));
        }
        long troubled = ids.stream().filter(id -> id % 7 <= 1).count();
        assertThat(removed.size()).isGreaterThanOrEqualTo((int) (CONNECTIONS - troubled));
        ct.advance(Duration.ofSeconds(61)); // nobody is waited for longer
        ct.sweep();
        allHaveGone();
    }

    @ParameterizedTest
    @EnumSource(names = "ON_REMOVED")
    void oneThatIsToldOfTheEndAndThrows(Where where) {
        fails = where;
        ct.advance(OVER);
        sweepFails();
        allHaveGone();
        ct.sweep();
    }
}
