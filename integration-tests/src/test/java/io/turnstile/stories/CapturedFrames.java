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
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What both switches of a {@link Differential} send by their dummy ports p1, p2 …, in capture files of one round's own.
 */
final class CapturedFrames {
    private static final int PCAP_HEAD_BYTES = 24;
    private static final int PCAP_RECORD_HEAD_BYTES = 16;
    private final Differential both;
    private final int ports;
    private final String round;

    private CapturedFrames(Differential both, int ports, String round) {
        this.both = both;
        this.ports = ports;
        this.round = round;
    }

    /** Begins to capture on both sides. */
    static CapturedFrames start(Differential both, int ports, String round) {
        CapturedFrames captured = new CapturedFrames(both, ports, round);
        for (int port = 1; port <= ports; port++) {
            for (LabSwitch sw : new LabSwitch[] {both.theirs(), both.ours()}) {
                sw.vsctl("set", "interface", "p" + port, "options:tx_pcap=" + captured.file(sw, port))
                        .run();
            }
        }
        return captured;
    }

    private Path file(LabSwitch sw, int port) {
        return both.lab().folder().resolve(sw.name() + "-" + round + "-" + port + ".pcap");
    }

    /**
     * Both have sent the same frames by each port in the same order. Waits until ours has sent as many as the other.
     */
    void compare() {
        compare(UnaryOperator.identity());
    }

    /** The same frames in whatever order. */
    void compareUnordered() {
        compare(lines -> lines.lines().sorted().collect(Collectors.joining("\n")));
    }

    private void compare(UnaryOperator<String> order) {
        for (int port = 1; port <= ports; port++) {
            int number = port;
            Await.until(
                    "the last frame is out of p" + port,
                    Duration.ofSeconds(3),
                    () -> sent(both.ours(), number).lines().count()
                            >= sent(both.theirs(), number).lines().count(),
                    () -> "round " + round + "\n" + sent(both.theirs(), number) + "\n" + sent(both.ours(), number));
            both.compare(
                    "frames sent by p" + port + ", round " + round,
                    order.apply(sent(both.theirs(), port)),
                    order.apply(sent(both.ours(), port)));
        }
    }

    /** How many frames ours has sent by the port. */
    long count(int port) {
        return sent(both.ours(), port).lines().count();
    }

    /** The frames of a capture file as hexadecimal lines. */
    private String sent(LabSwitch sw, int port) {
        try {
            ByteBuffer file =
                    ByteBuffer.wrap(Files.readAllBytes(file(sw, port))).order(ByteOrder.LITTLE_ENDIAN);
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
