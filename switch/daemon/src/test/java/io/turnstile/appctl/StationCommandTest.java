package io.turnstile.appctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.control.Command;
import io.turnstile.datapath.Datapath;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.time.ManualClock;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code fdb/show}, of one bridge and of several. */
class StationCommandTest {
    private final ManualClock clock = new ManualClock(0, 0);
    private final Pipeline pipeline =
            new Pipeline(new Datapath(new ConnectionTracker(clock, 16), clock), clock, Runnable::run);
    private final Command command = new StationCommand(pipeline).command();

    StationCommandTest() {
        BridgePipeline small = pipeline.addBridge("br0", 1);
        pipeline.addBridge("br-empty", 2);
        for (int port : List.of(1, 3)) {
            small.addPort(new OfPort(port, port, "p" + port, 0x0200_0000_0000L + port, 0, 0, null, 0));
            small.addStaticMac(port, 0, 0x5054_0000_0004L + port);
        }
    }

    private String show(String... words) {
        return command.handler().apply(List.of(words)).join().whole().text();
    }

    @Test
    void oneBridgeNeedsNoName() {
        assertThat(show("br0")).isEqualTo("""
             Port  VLAN  MAC                Age
                1     0  50:54:00:00:00:05  static
                3     0  50:54:00:00:00:07  static
            """);
    }

    @Test
    void ofSeveralEachHasItsNameOnce() {
        assertThat(show("br0", "br-empty")).isEqualTo("""
             Bridge    Port  VLAN  MAC                Age
             br0          1     0  50:54:00:00:00:05  static
                          3     0  50:54:00:00:00:07  static
             br-empty
            """);
        assertThat(show()).contains(" br-empty\n", " br0 ");
    }

    @Test
    void oneThatIsNotThereIsNamed() {
        assertThat(command.handler().apply(List.of("br0", "nosuch")).join().text())
                .isEqualTo("no such bridge nosuch");
    }

    @Test
    void programsGetLists() {
        assertThat(command.json().apply(List.of("br0", "br-empty")).text())
                .isEqualTo("{\"br0\":[{\"port\":1,\"vlan\":0,\"mac\":\"50:54:00:00:00:05\",\"static\":true},"
                        + "{\"port\":3,\"vlan\":0,\"mac\":\"50:54:00:00:00:07\",\"static\":true}],\"br-empty\":[]}");
    }
}
