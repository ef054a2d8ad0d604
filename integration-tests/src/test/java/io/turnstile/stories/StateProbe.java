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
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Both switches as firewalls that tell what their trackers say: what comes in by p1 or p2 is tracked, committed if it
 * is new, and leaves by p3 with its ct_state in the destination MAC address. Time stands still on both unless told to
 * go on.
 */
final class StateProbe implements AutoCloseable {
    private static final List<String> STATES = List.of("new", "est", "est|rpl", "rel", "rel|rpl", "inv", "new|rel", "");
    private static final int PCAP_HEAD_BYTES = 24;
    private static final int PCAP_RECORD_HEAD_BYTES = 16;
    private static final int LAST_OCTET_OF_DESTINATION = 5;
    /** The queue of Open vSwitch's dummy devices is no longer than a hundred. */
    private static final int MOST_AT_ONCE = 64;

    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** One frame that left, and the ct_state that it left with. */
    record Told(String state, byte[] frame) {}

    private final Differential both;
    private int theirsRead;
    private int oursRead;

    StateProbe(String name) {
        both = Differential.start(name);
        both.bridge("br0", 3);
        List<String> flows = new ArrayList<>();
        for (String family : List.of("ip", "ipv6")) {
            flows.add("table=0,priority=1,in_port=1," + family + ",actions=ct(table=1)");
            flows.add("table=0,priority=1,in_port=2," + family + ",actions=ct(table=1)");
            for (int i = 0; i < STATES.size(); i++) {
                String state = STATES.get(i);
                StringBuilder match = new StringBuilder("+trk");
                for (String flag : List.of("new", "est", "rel", "rpl", "inv")) {
                    match.append(List.of(state.split("\\|")).contains(flag) ? "+" : "-")
                            .append(flag);
                }
                flows.add("table=1,priority=2," + family + ",ct_state=" + match + ",actions="
                        + (state.startsWith("new") ? "ct(commit)," : "") + "mod_dl_dst:00:00:00:00:00:0" + i
                        + ",output:3");
            }
            flows.add("table=1,priority=1," + family + ",actions=mod_dl_dst:00:00:00:00:00:ff,output:3");
        }
        try {
            both.ofctl("add-flows br0 " + Files.write(both.lab().folder().resolve("flows.txt"), flows));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (LabSwitch target : List.of(both.theirs(), both.ours())) {
            target.vsctl("set", "interface", "p3", "options:tx_pcap=" + pcap(target))
                    .run();
        }
        both.appctl("time/stop");
        both.assertSame();
    }

    Differential both() {
        return both;
    }

    /** Frames that come in by a port; all of them have left when this returns. */
    void receive(int port, List<byte[]> frames) {
        for (int i = 0; i < frames.size(); i += MOST_AT_ONCE) {
            receiveAtOnce(port, frames.subList(i, Math.min(frames.size(), i + MOST_AT_ONCE)));
        }
    }

    private void receiveAtOnce(int port, List<byte[]> frames) {
        List<String> words = new ArrayList<>(List.of("netdev-dummy/receive", "p" + port));
        frames.forEach(frame -> words.add(HexFormat.of().formatHex(frame)));
        for (LabSwitch target : List.of(both.theirs(), both.ours())) {
            int before = captured(target).size();
            target.appctl(words.toArray(String[]::new)).run();
            Await.until(
                    frames.size() + " frames left " + target.name(),
                    LIMIT,
                    () -> captured(target).size() >= before + frames.size(),
                    () -> captured(target).size() - before + " came of "
                            + frames.stream().map(HexFormat.of()::formatHex).collect(Collectors.joining("\n")));
        }
    }

    /** What left Open vSwitch since the last call. */
    List<Told> theirs() {
        List<Told> all = captured(both.theirs());
        List<Told> fresh = all.subList(theirsRead, all.size());
        theirsRead = all.size();
        return fresh;
    }

    List<Told> ours() {
        List<Told> all = captured(both.ours());
        List<Told> fresh = all.subList(oursRead, all.size());
        oursRead = all.size();
        return fresh;
    }

    /** Open vSwitch lists what has expired until its sweep comes by; both are shown without. */
    static List<String> connections(LabSwitch target) {
        return target.appctl("dpctl/dump-conntrack", "-m", "-s")
                .run()
                .output()
                .lines()
                .filter(line -> !line.contains(",timeout=0"))
                .sorted()
                .toList();
    }

    void wait(Duration time) {
        both.appctl("time/warp " + time.toMillis());
    }

    private Path pcap(LabSwitch target) {
        return both.lab().folder().resolve(target.name() + "-p3.pcap");
    }

    private List<Told> captured(LabSwitch target) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(pcap(target))).order(ByteOrder.LITTLE_ENDIAN);
            List<Told> told = new ArrayList<>();
            file.position(Math.min(PCAP_HEAD_BYTES, file.limit()));
            while (file.remaining() >= PCAP_RECORD_HEAD_BYTES) {
                int length = file.getInt(file.position() + 8);
                if (file.remaining() < PCAP_RECORD_HEAD_BYTES + length) {
                    break;
                }
                byte[] frame = new byte[length];
                file.position(file.position() + PCAP_RECORD_HEAD_BYTES);
                file.get(frame);
                int code = frame[LAST_OCTET_OF_DESTINATION] & 0xff;
                told.add(new Told(code < STATES.size() ? STATES.get(code) : "other", frame));
            }
            return told;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        both.close();
    }
}
