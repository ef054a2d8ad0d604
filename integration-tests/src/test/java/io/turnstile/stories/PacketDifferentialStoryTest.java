package io.turnstile.stories;

import io.turnstile.lab.Await;
import io.turnstile.lab.LabSwitch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random flow tables and random frames: both switches send the same frames out of the same ports in the same order, count
 * the same packets at the same flows, have the same connections and the same MAC tables, and trace the same way.
 */
@Tag("system")
class PacketDifferentialStoryTest {
    private static final int PORTS = 3;
    private static final int FLOWS = 60;
    private static final int FRAMES = 60;
    private static final int PCAP_HEAD_BYTES = 24;
    private static final int PCAP_RECORD_HEAD_BYTES = 16;
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
        for (LabSwitch sw : List.of(both.theirs(), both.ours())) {
            capture(sw, seed);
        }
        List<RandomTraffic.Arrival> arrivals = random.arrivals(FRAMES);
        for (RandomTraffic.Arrival arrival : arrivals) {
            both.appctl("netdev-dummy/receive p" + arrival.port() + " " + HexFormat.of().formatHex(arrival.frame()));
        }
        compareOutcome(seed);
        both.assertSame();
    }

    private static void capture(LabSwitch sw, long seed) {
        for (int port = 1; port <= PORTS; port++) {
            sw.vsctl("set", "interface", "p" + port, "options:tx_pcap=" + pcap(sw, seed, port)).run();
        }
    }

    private static Path pcap(LabSwitch sw, long seed, int port) {
        return both.lab().folder().resolve(sw.name() + "-" + seed + "-" + port + ".pcap");
    }

    private static void compareOutcome(long seed) {
        // The peer's flow counters follow when its revalidators look at the datapath's flows, which removing these forces.
        both.theirs().appctl("revalidator/purge").run();
        for (int port = 1; port <= PORTS; port++) {
            int number = port;
            Await.until("the last frame is out of p" + port, Duration.ofSeconds(3),
                    () -> sent(both.ours(), seed, number).lines().count() >= sent(both.theirs(), seed, number).lines()
                        .count(),
                    () -> "seed " + seed + "\n" + sent(both.theirs(), seed, number) + "\n"
                        + sent(both.ours(), seed, number));
            both.compare("frames sent by p" + port + ", seed " + seed, sent(both.theirs(), seed, port),
                    sent(both.ours(), seed, port));
        }
        // A station that sends by several ports over cached flows is learned where either switch's next look found it last.
        both.ignore(text -> text.replaceAll("(?m)^ +\\S+( +\\d+  [0-9a-f:]{17}) +\\d+$", " PORT$1 AGE").lines().sorted()
                .collect(Collectors.joining("\n")));
        both.ofctlSorted("dump-flows br0");
        both.appctlSorted("dpctl/dump-conntrack");
        both.appctlSorted("fdb/show br0");
    }

    /** The frames of a capture file as hexadecimal lines. */
    private static String sent(LabSwitch sw, long seed, int port) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(pcap(sw, seed, port))).order(ByteOrder.LITTLE_ENDIAN);
            StringBuilder lines = new StringBuilder();
            file.position(PCAP_HEAD_BYTES);
            while (file.remaining() >= PCAP_RECORD_HEAD_BYTES) {
                int length = file.getInt(file.position() + 8);
                byte[] frame = new byte[length];
                file.position(file.position() + PCAP_RECORD_HEAD_BYTES);
                file.get(frame);
                lines.append(HexFormat.of().formatHex(frame)).append('\n');
            }
            return lines.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
