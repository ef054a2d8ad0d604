package io.turnstile.bench;

import io.turnstile.lab.Command;
import io.turnstile.lab.ControlConnection;
import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Open vSwitch as Debian packages it, with dummy ports of its own: the one that frames come in by is polled by a PMD
 * thread, which does all the work of a packet; the others, where frames end, are not. Its main thread takes frames from
 * the control socket, as many at once as the port can hold.
 *
 * <p>Time is what the PMD thread says that it worked, less the time in which it was blocked: the main thread holds the
 * port's lock while it reads frames. It runs on while others have the core, so that the median of a step's calls stands
 * for all of them. While it is not its turn the process is stopped, or it would poll all the time.
 */
final class SetupPeer implements SetupContestant {
    /** A dummy port holds a hundred. */
    private static final int FRAMES_PER_CALL = 96;

    private static final Pattern PMD = Pattern.compile(
            "pmd thread .*?packets received: (\\d+)"
                    + ".*?miss with success upcall: (\\d+)"
                    + ".*?idle cycles: (\\d+)"
                    + ".*?processing cycles: (\\d+)",
            Pattern.DOTALL);
    private static final Pattern CONNECTION = Pattern.compile(
            "orig=\\(src=([0-9.]+),.*?,sport=(\\d+),.*?reply=\\(src=.*?,dst=([0-9.]+),.*?,dport=(\\d+)\\)");
    private static final Pattern SENT = Pattern.compile("port (\\d+): p[23] .*?TX packets:(\\d+)", Pattern.DOTALL);

    private final SetupRules rules;
    private final Handshakes handshakes;
    private final OpenVswitch peer;
    private final ControlConnection control;
    private final CpuTime.Other thread;

    /** What the PMD thread has done so far; its cycles may run over, which differences bear. */
    private record Look(long timeNs, long cpuNs, long waitedNs, long received, long misses, long idle, long working) {}

    /** Frames handed over at once, until the last of them was taken. */
    private record Call(Look before, Look after) {
        long frames() {
            return after.received - before.received;
        }

        long working() {
            return after.working - before.working;
        }

        long lengthNs() {
            return after.timeNs - before.timeNs;
        }

        /** Neither on a core nor in line for one: it waited for the port's lock. */
        long blockedNs() {
            return Math.max(0, lengthNs() - (after.cpuNs - before.cpuNs) - (after.waitedNs - before.waitedNs));
        }
    }

    /** @param lab whoever closes it ends the processes; it makes no network */
    SetupPeer(Lab lab, SetupRules rules, Handshakes handshakes) throws IOException {
        this.rules = rules;
        this.handshakes = handshakes;
        peer = lab.add(OpenVswitch.start(lab, "--enable-dummy"));
        peer.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure")
                .run();
        for (int number = 1; number <= 3; number++) {
            String type = number == 1 ? "type=dummy-pmd" : "type=dummy";
            String port = "p" + number;
            peer.vsctl("add-port", "br0", port, "--", "set", "interface", port, type, "ofport_request=" + number)
                    .run();
        }
        for (String flow : rules.flows()) {
            peer.ofctl("add-flow", "br0", flow).run();
        }
        control = lab.add(ControlConnection.open(peer.controlSocket()));
        thread = CpuTime.Other.named(peer.daemon().pid(), "pmd");
        signal("STOP");
    }

    private void signal(String name) {
        Command.of("kill", "-" + name, "" + peer.daemon().pid()).run();
    }

    @Override
    public String name() {
        return "ovs-vswitchd, batches of 1";
    }

    @Override
    public SetupRound round() throws IOException {
        signal("CONT");
        try {
            long sent = sent();
            handshakes.restart();
            List<List<Call>> steps = new ArrayList<>();
            Look before = look();
            for (int length = handshakes.next(); length > 0; length = handshakes.next()) {
                steps.add(step(length));
                if (rules == SetupRules.NAT) {
                    learnTranslations();
                }
            }
            Look after = look();
            SetupSwitch.expect("frames", sent() - sent, after.received - before.received);
            if (rules.tracks()) {
                int made = Integer.parseInt(control.run("dpctl/ct-get-nconns").strip());
                SetupSwitch.expect("connections", made, handshakes.connections());
            }
            control.run("dpctl/flush-conntrack");
            if (rules.misses()) {
                control.run("revalidator/purge");
            }
            return new SetupRound(work(before, after, steps), after.misses - before.misses, -1);
        } finally {
            signal("STOP");
        }
    }

    private List<Call> step(int length) throws IOException {
        List<Call> calls = new ArrayList<>();
        Look before = look();
        for (int from = 0; from < length; from += FRAMES_PER_CALL) {
            int to = Math.min(length, from + FRAMES_PER_CALL);
            Look after = receive(from, to, before.received + to - from);
            calls.add(new Call(before, after));
            before = after;
        }
        return calls;
    }

    /** @param total how many frames the PMD thread is to have taken before this returns */
    private Look receive(int from, int to, long total) throws IOException {
        List<String> words = new ArrayList<>(List.of("p1"));
        for (int i = from; i < to; i++) {
            words.add(HexFormat.of().formatHex(handshakes.bytes(i)));
        }
        control.run("netdev-dummy/receive", words.toArray(String[]::new));
        Look now;
        do {
            now = look(); // asking takes longer than the frames do
        } while (now.received < total);
        return now;
    }

    private Look look() throws IOException {
        String text = control.run("dpif-netdev/pmd-stats-show");
        Matcher found = PMD.matcher(text);
        if (!found.find()) {
            throw new IOException("no PMD thread in\n" + text);
        }
        return new Look(
                System.nanoTime(),
                thread.usedNs(),
                thread.waitedNs(),
                Long.parseLong(found.group(1)),
                Long.parseLong(found.group(2)),
                Long.parseUnsignedLong(found.group(3)),
                Long.parseUnsignedLong(found.group(4)));
    }

    private Slice work(Look before, Look after, List<List<Call>> steps) {
        Call round = new Call(before, after);
        double cyclesPerNs = (double) (round.working() + after.idle - before.idle) / round.lengthNs();
        double workedNs = 0;
        for (List<Call> calls : steps) {
            double frameNs = Slice.median(calls.stream()
                    .mapToDouble(call -> (call.working() / cyclesPerNs - call.blockedNs()) / call.frames())
                    .toArray());
            workedNs += frameNs * calls.stream().mapToLong(Call::frames).sum();
        }
        return new Slice(
                before.timeNs,
                (long) (round.working() / cyclesPerNs),
                (long) workedNs,
                after.waitedNs - before.waitedNs,
                round.frames(),
                handshakes.connections());
    }

    /** Frames that have left by ports 2 and 3. */
    private long sent() throws IOException {
        long sent = 0;
        for (Matcher port = SENT.matcher(control.run("dpctl/show", "-s")); port.find(); ) {
            sent += Long.parseLong(port.group(2));
        }
        return sent;
    }

    private void learnTranslations() throws IOException {
        for (Matcher found = CONNECTION.matcher(control.run("dpctl/dump-conntrack")); found.find(); ) {
            handshakes.seen(
                    Handshakes.client(address(found.group(1)), Integer.parseInt(found.group(2))),
                    address(found.group(3)),
                    Integer.parseInt(found.group(4)));
        }
    }

    private static int address(String text) throws IOException {
        return ByteBuffer.wrap(InetAddress.ofLiteral(text).getAddress()).getInt();
    }

    /** It may be ended now. */
    @Override
    public void close() {
        signal("CONT");
    }
}
