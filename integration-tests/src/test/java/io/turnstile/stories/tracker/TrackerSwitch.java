package io.turnstile.stories.tracker;

import io.turnstile.lab.ControlConnection;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.packet.Frames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * One switch that runs scripts. All frames come in at port 1, because a switch keeps the order of one port's frames
 * only; the source MAC says which program is meant, which step it is, and of which run. Frames leave by port 2, last of
 * all one that tells that a switch has come to the end of what it was given. Its clock is stopped.
 */
final class TrackerSwitch implements AutoCloseable {
    static final String BRIDGE = "br0";
    static final String UNCHECKED_WINDOWS = "dpctl/ct-disable-tcp-seq-chk";
    /** Open vSwitch's ports in memory hold 100 frames and drop what is too many. */
    private static final int FRAMES_AT_ONCE = 90;

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final long LOOK_AGAIN_NS = 100_000;
    private static final int SOURCE_MAC_OFFSET = 6;
    private static final int PROGRAM_OFFSET = SOURCE_MAC_OFFSET + 1;
    private static final byte END_PROGRAM = (byte) 0xff;
    private static final long FRAGMENTS_EXPIRE_MS = 60_000;
    private static final int MAX_STEPS = 0x10000;
    private static final HexFormat HEX = HexFormat.of();
    private static final String END_OF_BATCH = HEX.formatHex(Frames.arpRequest("10.0.0.1 > 10.0.0.2")
            .eth("02:ff:00:00:00:00", "02:00:00:00:00:02")
            .bytes());

    private final LabSwitch target;
    private final ControlConnection control;
    private final CaptureReader sent;

    private int run;

    private TrackerSwitch(LabSwitch target, ControlConnection control, CaptureReader sent) {
        this.target = target;
        this.control = control;
        this.sent = sent;
    }

    /** Gives a fresh switch its bridge and its flows, and stops its clock. */
    static TrackerSwitch prepare(Lab lab, LabSwitch target, List<Program> programs) throws IOException {
        target.vsctl("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=dummy", "fail_mode=secure")
                .run();
        for (int port = 1; port <= 2; port++) {
            target.vsctl(
                            "add-port",
                            BRIDGE,
                            "p" + port,
                            "--",
                            "set",
                            "interface",
                            "p" + port,
                            "type=dummy",
                            "ofport_request=" + port,
                            "options:tx_pcap=" + capture(target, port))
                    .run();
        }
        List<String> flows = new ArrayList<>(List.of("table=0,priority=20,arp,actions=output:2"));
        programs.forEach(program -> flows.addAll(program.flows()));
        flows.addAll(Sighting.flows());
        target.ofctl(
                        "add-flows",
                        BRIDGE,
                        Files.write(lab.folder().resolve("flows.txt"), flows).toString())
                .run();
        TrackerSwitch made = new TrackerSwitch(
                target, ControlConnection.open(target.controlSocket()), new CaptureReader(capture(target, 2)));
        made.control.run("time/stop");
        return made;
    }

    private static Path capture(LabSwitch target, int port) {
        return target.controlSocket().resolveSibling("p" + port + ".pcap");
    }

    /** Runs a script on an empty tracker. */
    Outcome run(Script script) {
        try {
            return attempt(script);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    target.name() + " went away: " + target.daemon().output(), e);
        }
    }

    private Outcome attempt(Script script) throws IOException {
        List<Step> steps = script.steps();
        if (steps.size() > MAX_STEPS) {
            throw new IllegalArgumentException(steps.size() + " steps cannot be numbered");
        }
        control.run("dpctl/flush-conntrack");
        run++;
        List<List<byte[]>> frames = new ArrayList<>();
        steps.forEach(step -> frames.add(new ArrayList<>()));
        String[] answers = new String[steps.size()];
        List<String> pending = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            switch (steps.get(i)) {
                case Step.Arrival arrival -> {
                    pending.add(HEX.formatHex(numbered(arrival, i)));
                    if (pending.size() >= FRAMES_AT_ONCE) {
                        receive(pending, frames);
                    }
                }
                case Step.Wait wait -> {
                    receive(pending, frames);
                    answers[i] = sorted(control.run("time/warp", Long.toString(wait.ms())));
                }
                case Step.Command command -> {
                    receive(pending, frames);
                    answers[i] = answer(command.line());
                }
            }
        }
        receive(pending, frames);
        List<String> seen = new ArrayList<>();
        for (int i = 0; i < answers.length; i++) {
            seen.add(answers[i] != null ? answers[i] : Sighting.text(frames.get(i)));
        }
        Outcome outcome = new Outcome(seen, connections());
        forgetFragments(script);
        if (steps.contains(new Step.Command(UNCHECKED_WINDOWS))) {
            control.run("dpctl/ct-enable-tcp-seq-chk");
        }
        return outcome;
    }

    /** Lets fragments expire whose others did not come; Open vSwitch throws them out when it tracks the next packet. */
    private void forgetFragments(Script script) throws IOException {
        if (script.hasFragments()) {
            control.run("time/warp", Long.toString(FRAGMENTS_EXPIRE_MS));
            Step.Arrival any = new Step.Arrival(
                    Program.LOOK, Frames.udp("10.0.0.9:9 > 10.0.0.9:9").bytes());
            run++; // What leaves now is of no script.
            receive(new ArrayList<>(List.of(HEX.formatHex(numbered(any, 0)))), List.of(new ArrayList<>()));
        }
    }

    private byte[] numbered(Step.Arrival arrival, int step) {
        byte[] frame = arrival.frame().clone();
        byte[] source = {
            2, (byte) arrival.program().ordinal(), (byte) (step >>> 8), (byte) step, (byte) (run >>> 8), (byte) run
        };
        System.arraycopy(source, 0, frame, SOURCE_MAC_OFFSET, source.length);
        return frame;
    }

    private String answer(String line) throws IOException {
        String[] words = line.split(" +");
        try {
            return sorted(control.run(words[0], Arrays.copyOfRange(words, 1, words.length)));
        } catch (ControlConnection.RefusedException e) {
            return "refused: " + e.getMessage();
        }
    }

    /** Hands over what is pending and waits until it is through. */
    private void receive(List<String> pending, List<List<byte[]>> frames) throws IOException {
        if (pending.isEmpty()) {
            return;
        }
        pending.addFirst("p1");
        pending.addLast(END_OF_BATCH);
        control.run("netdev-dummy/receive", pending.toArray(String[]::new));
        pending.clear();
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!collect(frames)) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("the last of the frames did not come through within " + LIMIT);
            }
            LockSupport.parkNanos(LOOK_AGAIN_NS);
        }
    }

    /** Sorts what has left by the steps; true if the last frame of a batch is among it. */
    private boolean collect(List<List<byte[]>> frames) throws IOException {
        boolean last = false;
        for (byte[] frame : sent.read()) {
            ByteBuffer numbers = ByteBuffer.wrap(frame, PROGRAM_OFFSET, 5);
            if (numbers.get() == END_PROGRAM) {
                last = true;
                continue;
            }
            int step = numbers.getShort() & 0xffff;
            boolean ofThisRun = (numbers.getShort() & 0xffff) == (run & 0xffff);
            if (ofThisRun) { // Otherwise a fragment that an earlier script left behind.
                frames.get(step).add(frame);
            }
        }
        return last;
    }

    /** What has less than a second left is left out: the sweep may have come to it or not. */
    private List<String> connections() throws IOException {
        return control.run("dpctl/dump-conntrack", "-m", "-s")
                .lines()
                .filter(line -> !line.contains(",timeout=0"))
                .sorted()
                .toList();
    }

    private static String sorted(String text) {
        return text.lines().sorted().collect(Collectors.joining("\n"));
    }

    @Override
    public void close() throws IOException {
        control.close();
        sent.close();
    }
}
