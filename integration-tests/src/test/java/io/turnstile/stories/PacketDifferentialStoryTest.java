package io.turnstile.stories;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random flow tables and random frames: both switches send the same frames out of the same ports in the same order,
 * count the same packets at the same flows, have the same connections and the same MAC tables, and trace the same way.
 */
@Tag("system")
class PacketDifferentialStoryTest {
    private static final int PORTS = 3;
    private static final int FLOWS = 60;
    private static final int FRAMES = 60;
    private static Differential both;

    @BeforeAll
    static void start() {
        both = Differential.start("packets");
        both.bridge("br0", PORTS);
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomFlowsTreatRandomFramesAlike(long seed) throws Exception {
        RandomTraffic random = new RandomTraffic(seed);
        both.appctl("dpctl/flush-conntrack");
        both.appctl("fdb/flush br0");
        both.ofctl("del-flows br0");
        Path flows = Files.write(both.lab().folder().resolve("flows" + seed + ".txt"), random.flows(FLOWS));
        both.ofctl("add-flows br0 " + flows);
        CapturedFrames captured = CapturedFrames.start(both, PORTS, "seed" + seed);
        List<RandomTraffic.Arrival> arrivals = random.arrivals(FRAMES);
        for (RandomTraffic.Arrival arrival : arrivals) {
            both.appctl("netdev-dummy/receive p" + arrival.port() + " "
                    + HexFormat.of().formatHex(arrival.frame()));
        }
        compareOutcome(captured);
        both.assertSame();
    }

    private static void compareOutcome(CapturedFrames captured) {
        // Open vSwitch's flow counters follow when its revalidators look at the datapath's flows, which removing these
        // forces.
        both.theirs().appctl("revalidator/purge").run();
        captured.compare();
        // A station that sends by several ports over cached flows is learned where either switch's next look found it
        // last.
        both.ignore(text -> text.replaceAll("(?m)^ +\\S+( +\\d+  [0-9a-f:]{17}) +\\d+$", " PORT$1 AGE")
                .replaceFirst("(?m)^ port  VLAN ", " Port  VLAN ") // newer versions of theirs write it so, too
                .lines()
                .sorted()
                .collect(Collectors.joining("\n")));
        both.ofctlSorted("dump-flows br0");
        both.appctlSorted("dpctl/dump-conntrack");
        both.appctlSorted("fdb/show br0");
    }
}
