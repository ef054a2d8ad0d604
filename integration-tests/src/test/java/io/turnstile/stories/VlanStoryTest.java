package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.Turnstile;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What everybody types: {@code add-port br0 p tag=10}, trunks, and hosts that reach each other or do not. */
@Tag("system")
class VlanStoryTest {

    @Test
    void hostsReachThoseOfTheirVlanAlsoBehindATrunk() {
        try (Lab lab = new Lab("vl")) {
            Host red = lab.host("a", "10.9.0.1/24");
            Host redToo = lab.host("b", "10.9.0.2/24");
            Host blue = lab.host("c", "10.9.0.3/24");
            Host redFarAway = lab.host("t", "10.9.0.9/24");
            try (LabSwitch sw = Turnstile.start(lab)) {
                sw.vsctl("add-br", "br0").run();
                sw.vsctl("add-port", "br0", red.device(), "tag=10").run();
                sw.vsctl("add-port", "br0", redToo.device(), "tag=10").run();
                sw.vsctl("add-port", "br0", blue.device(), "tag=20").run();
                sw.vsctl("add-br", "br1").run();
                sw.vsctl("add-port", "br1", redFarAway.device(), "tag=10").run();
                trunk(sw, "br1", "t1", "t0");
                trunk(sw, "br0", "t0", "t1");
                assertThat(pings(red, "10.9.0.2")).isTrue();
                assertThat(pings(red, "10.9.0.9")).as("over the trunk").isTrue();
                assertThat(pings(red, "10.9.0.3")).as("into another VLAN").isFalse();
                assertThat(pings(blue, "10.9.0.1")).as("out of another VLAN").isFalse();
                assertThat(sw.appctl("fdb/show", "br0").run().lines())
                        .as("addresses by VLAN")
                        .anyMatch(line -> line.matches(" +\\d+ +10 .*"))
                        .anyMatch(line -> line.matches(" +\\d+ +20 .*"));
                sw.vsctl("set", "port", blue.device(), "tag=10").run();
                assertThat(pings(red, "10.9.0.3"))
                        .as("once it is of the same one")
                        .isTrue();
                sw.vsctl("set", "port", "t0", "trunks=30").run();
                assertThat(pings(red, "10.9.0.9")).as("a trunk without it").isFalse();
            }
        }
    }

    private static void trunk(LabSwitch sw, String bridge, String port, String peer) {
        sw.vsctl(
                        "add-port",
                        bridge,
                        port,
                        "trunks=10,30",
                        "--",
                        "set",
                        "interface",
                        port,
                        "type=patch",
                        "options:peer=" + peer)
                .run();
    }

    private static boolean pings(Host from, String address) {
        return from.command(List.of("ping", "-c", "3", "-i", "0.2", "-W", "1", address)
                        .toArray(String[]::new))
                .attempt()
                .succeeded();
    }
}
