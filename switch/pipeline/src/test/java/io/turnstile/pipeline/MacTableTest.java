package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.pipeline.MacTable.Sight;
import io.turnstile.pipeline.MacTable.Station;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The table of addresses by itself: who makes room, what stays, what is counted. */
class MacTableTest {
    private static final long NOW_NS = Long.MAX_VALUE - 1_000_000_000L;
    private static final long SECOND_NS = 1_000_000_000L;

    private final MacTable table = new MacTable();
    private final List<Station> changed = new ArrayList<>();

    private static Station station(int address) {
        return new Station(0, address);
    }

    private static Sight at(int port) {
        return new Sight(port, false, false);
    }

    private void learn(int address, int port, long nowNs) {
        table.learn(station(address), at(port), nowNs, changed);
    }

    @Test
    void thePortThatHasMostMakesRoom() {
        table.configure(300, 10);
        learn(100, 1, NOW_NS);
        for (int i = 0; i < 9; i++) {
            learn(i, 2, NOW_NS);
        }
        changed.clear();
        learn(200, 3, NOW_NS);
        assertThat(changed).containsExactly(station(0), station(200));
        assertThat(table.find(station(100), null, NOW_NS)).isEqualTo(1);
        assertThat(table.statistics().evicted()).isEqualTo(1);
        assertThat(table.statistics().learned()).isEqualTo(11);
    }

    @Test
    void aTableThatBecameSmallerLosesTheOldest() {
        for (int i = 0; i < 12; i++) {
            learn(i, i, NOW_NS);
        }
        table.fix(station(0), 5, NOW_NS, changed);
        table.configure(300, 10);
        assertThat(table.hasAged(NOW_NS)).isTrue();
        assertThat(table.expire(NOW_NS)).containsExactly(station(1), station(2));
        assertThat(table.hasAged(NOW_NS)).isFalse();
    }

    /** Beyond where the clock's numbers begin again. */
    private static long later(int seconds) {
        return NOW_NS + seconds * SECOND_NS;
    }

    @Test
    void fixedStationsNeitherAgeNorMove() {
        table.fix(station(1), 4, NOW_NS, changed);
        learn(1, 5, NOW_NS);
        learn(2, 5, NOW_NS);
        assertThat(table.find(station(1), at(5), NOW_NS)).isEqualTo(4);
        assertThat(table.expire(later(1000))).containsExactly(station(2));
        assertThat(table.statistics().staticEntries()).isEqualTo(1);
        assertThat(table.forgetPort(4)).containsExactly(station(1));
        assertThat(table.statistics().staticEntries()).isZero();
    }

    @Test
    void aStationThatWasAnnouncedIsNotMovedByTheEchoOfTheAnnouncementFromABond() {
        table.learn(station(1), new Sight(1, true, false), NOW_NS, changed);
        Sight echo = new Sight(2, true, true);
        assertThat(table.isNews(station(1), echo, later(4))).isFalse();
        assertThat(table.isNews(station(1), new Sight(2, false, true), NOW_NS)).isTrue();
        assertThat(table.isNews(station(1), new Sight(3, true, false), NOW_NS)).isTrue();
        assertThat(table.isNews(station(1), echo, later(5))).isTrue();
    }

    @Test
    void movesAreCountedAndCountsCanBeCleared() {
        learn(1, 1, NOW_NS);
        learn(1, 2, NOW_NS);
        learn(1, 2, NOW_NS);
        assertThat(table.statistics())
                .isEqualTo(new BridgePipeline.MacStatistics(1, MacTable.DEFAULT_SIZE, 0, 1, 0, 0, 1));
        table.clearStatistics();
        assertThat(table.statistics())
                .isEqualTo(new BridgePipeline.MacStatistics(1, MacTable.DEFAULT_SIZE, 0, 0, 0, 0, 0));
    }
}
