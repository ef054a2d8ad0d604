package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.Turnstile;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Turnstile in the place of ovs-vswitchd: attached to a real ovsdb-server, started with ovs-vswitchd's own options. */
@Tag("system")
class RemoteDatabaseStoryTest {

    @Test
    void attachedToARealDatabaseServerItCarriesTraffic() {
        try (Lab lab = new Lab("rd")) {
            Host a = lab.host("a", "10.2.0.1/24");
            Host b = lab.host("b", "10.2.0.2/24");
            try (Turnstile turnstile = Turnstile.attach(lab)) {
                String bridge = lab.deviceName("br");
                turnstile
                        .vsctl(
                                "add-br",
                                bridge,
                                "--",
                                "set",
                                "bridge",
                                bridge,
                                "datapath_type=netdev",
                                "--",
                                "add-port",
                                bridge,
                                a.device(),
                                "--",
                                "add-port",
                                bridge,
                                b.device())
                        .run();
                Command.Result ping = a.command("ping", "-c", "3", "-i", "0.2", "-W", "1", b.address())
                        .attempt();
                assertThat(ping.output()).contains("3 received");
                assertThat(turnstile
                                .vsctl("get", "interface", a.device(), "link_state")
                                .run()
                                .text())
                        .isEqualTo("up");
                turnstile.vsctl("del-br", bridge).run();
                assertThat(turnstile.ofctl("show", bridge).attempt().succeeded())
                        .isFalse();
            }
        }
    }
}
