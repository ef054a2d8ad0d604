package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.ZoneLimits;
import io.turnstile.control.CommandReply;
import io.turnstile.time.ManualClock;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZoneLimitCommandsTest {
    private static final String DATAPATH = "dummy@ovs-dummy";

    private final ConnectionTracker tracker = new ConnectionTracker(new ManualClock(0, 0), 16);
    private final ZoneLimits limits = tracker.zoneLimits();
    private final ZoneLimitCommands commands = new ZoneLimitCommands(limits, () -> DATAPATH);

    private CommandReply set(String... words) {
        return DpctlLine.run(List.of(words), commands::set);
    }

    private CommandReply get(String... words) {
        return DpctlLine.run(List.of(words), commands::get);
    }

    private CommandReply delete(String... words) {
        return DpctlLine.run(List.of(words), commands::delete);
    }

    @Test
    void limitsThatAreSetAreShown() {
        assertThat(set(DATAPATH, "default=4294967295", "zone=0x5,limit=010", "zone:6 limit:7"))
                .isEqualTo(CommandReply.ok());
        assertThat(get().text()).isEqualTo("default limit=4294967295\nzone=5,limit=8,count=0\nzone=6,limit=7,count=0");
        assertThat(get("zone=").text()).isEqualTo("default limit=4294967295");
        assertThat(get("zone=,9,").text()).isEqualTo("default limit=4294967295\nzone=9,limit=4294967295,count=0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            default=0x5             | invalid default limit
            default=5x              | invalid default limit
            default=4294967296      | invalid default limit
            default=-7              | invalid default limit
            dummy@ovs-dummy         | too few arguments
            zone=1,limit=-1         | failed to parse field limit
            zone=1,limit=4294967296 | failed to parse field limit
            zone=65536,limit=1      | failed to parse field zone
            zone=1,limit            | field limit missing value
            zone=1,foo=1            | invalid zone limit field: foo
            limit=1                 | failed to parse zone limit
            """)
    void badLimitChangesNothing(String word, String error) {
        assertThat(set(word)).isEqualTo(DpctlLine.invalid(error));
        if (!word.startsWith("d")) {
            assertThat(set("zone=3,limit=3", word)).isEqualTo(DpctlLine.invalid(error));
        }
        assertThat(get().text()).isEqualTo("default limit=0");
    }

    @Test
    void deletedLimitsFallToTheDefault() {
        set("default=4", "zone=1,limit=1", "zone=2,limit=2");
        assertThat(delete("default", "zone=1,9")).isEqualTo(CommandReply.ok());
        assertThat(get().text()).isEqualTo("default limit=0\nzone=2,limit=2,count=0");
        assertThat(delete(DATAPATH)).isEqualTo(DpctlLine.invalid("too few arguments"));
        assertThat(delete("foo", "default", "zone=2")).isEqualTo(DpctlLine.invalid("datapath not found"));
        assertThat(delete("zone=2,x")).isEqualTo(DpctlLine.invalid("invalid zone"));
        assertThat(limits.configured()).containsOnlyKeys(2);
    }

    @Test
    void databaseKeepsCommandsOut() {
        limits.setFromDatabase(true);
        assertThat(set("default=4").text())
                .contains("use 'ovs-vsctl set-zone-limit <...>' instead. (Operation not permitted)");
        assertThat(delete("default").text()).contains("use 'ovs-vsctl del-zone-limit <...>' instead.");
    }

    @Test
    void withoutDatapathThereIsNothingToLimit() {
        ZoneLimitCommands none = new ZoneLimitCommands(limits, () -> "");
        assertThat(DpctlLine.run(List.of("default=4"), none::set).text())
                .isEqualTo("ovs-vswitchd: no datapaths exist\novs-vswitchd: datapath not found (Invalid argument)");
        assertThat(limits.defaultLimit()).isZero();
    }
}
