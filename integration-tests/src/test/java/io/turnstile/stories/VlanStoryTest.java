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
    void hostsReachThoseOfTheirVlanAndARouterOnTheTrunk() {
        try (Lab lab = new Lab("vl")) {
            Host red = lab.host("a", "10.9.0.1/24");
            Host redToo = lab.host("b", "10.9.0.2/24");
            Host blue = lab.host("c", "10.9.0.3/24");
            Host trunk = lab.host("t", "10.8.0.9/24");
            trunk.run("ip", "link", "add", "link", "eth0", "name", "red", "type", "vlan", "id", "10");
            trunk.run("ip", "address", "add", "10.9.0.9/24", "dev", "red");
            trunk.run("ip", "link", "set", "red", "up");
            try (LabSwitch sw = Turnstile.start(lab)) {
                sw.vsctl("add-br", "br0").run();
                sw.vsctl("add-port", "br0", red.device(), "tag=10").run();
                sw.vsctl("add-port", "br0", redToo.device(), "tag=10").run();
                sw.vsctl("add-port", "br0", blue.device(), "tag=20").run();
                sw.vsctl("add-port", "br0", trunk.device(), "trunks=10,30").run();
                assertThat(pings(red, "10.9.0.2")).isTrue();
                assertThat(pings(red, "10.9.0.9")).as("over the trunk").isTrue();
                assertThat(pings(red, "10.9.0.3")).as("into another VLAN").isFalse();
                assertThat(sw.appctl("fdb/show", "br0").run().lines())
                        .as("addresses by VLAN")
                        .anyMatch(line -> line.matches(" +\\d+ +10 .*"))
                        .anyMatch(line -> line.matches(" +\\d+ +20 .*"));
                sw.vsctl("set", "port", blue.device(), "tag=10").run();
                assertThat(pings(red, "10.9.0.3"))
                        .as("once it is of the same one")
                        .isTrue();
                sw.vsctl("set", "port", trunk.device(), "trunks=30").run();
                assertThat(pings(red, "10.9.0.9")).as("a trunk without it").isFalse();
            }
        }
    }

    private static boolean pings(Host from, String address) {
        return from.command(List.of("ping", "-c", "3", "-i", "0.2", "-W", "1", address)
                        .toArray(String[]::new))
                .attempt()
                .succeeded();
    }
}
