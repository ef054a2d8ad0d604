package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Several exchanges at once, of so few addresses and ports that they meet, their frames lost, doubled, late and
 * spoiled, and errors about them; now and then time passes or an operator does something.
 */
final class TrafficMix {
    private static final int MOST_EXCHANGES = 7;
    private static final int MAX_SEEN = 60;
    private static final int LARGE_PAYLOAD_BYTES = 5000;
    private static final long[] WAITS_MS = {
        10, 900, 1500, 3000, 9000, 10_000, 29_500, 30_000, 30_500, 44_999, 45_000, 60_000, 90_001, 400_000, 3_700_000
    };
    /**
     * Open vSwitch's 3.1 may still hold the translated tuple of a connection that is over, and lets old fragments
     * through.
     */
    private static final long[] SHORT_WAITS_MS = {10, 900, 1500};

    private static final List<String> COMMANDS =
            List.of("dpctl/flush-conntrack zone=1", "dpctl/flush-conntrack zone=0", "dpctl/flush-conntrack");
    private static final List<String> OPERATIONS = List.of(
            TrackerSwitch.UNCHECKED_WINDOWS,
            TrackerSwitch.UNCHECKED_WINDOWS,
            "dpctl/ct-enable-tcp-seq-chk",
            "dpctl/ct-get-tcp-seq-chk",
            "dpctl/flush-conntrack ct_nw_src=10.0.0.3,ct_nw_proto=1,icmp_type=0,icmp_id=1",
            "dpctl/flush-conntrack '' ct_ipv6_src=fd00::3",
            "dpctl/flush-conntrack ct_nw_src=10.0.0.1,ct_nw_proto=17",
            "dpctl/flush-conntrack zone=1 ct_nw_dst=10.0.0.3,ct_nw_proto=6,ct_tp_dst=80");

    /** An exchange and the program that is usual for its frames. */
    private record Running(Exchange exchange, Program program) {}

    private final Random random;
    private final boolean fragments;
    private final boolean nat;
    /**
     * Dialogues come as they are sent: a helper that sees the beginning or the order otherwise may do what it likes.
     */
    private final boolean helpers;

    private final List<Program> programs;
    private final List<String> commands = new ArrayList<>(COMMANDS);
    private final IcmpErrors errors;
    private final Fragments pieces;
    private final List<Running> running = new ArrayList<>();
    private final List<byte[]> seen = new ArrayList<>();
    private final List<Step> late = new ArrayList<>();
    private int begun;

    TrafficMix(long seed, Set<Feature> features) {
        random = new Random(seed);
        fragments = features.contains(Feature.FRAGMENTS);
        helpers = features.contains(Feature.HELPERS);
        nat = features.contains(Feature.NAT);
        pieces = new Fragments(random);
        errors = new IcmpErrors(random, !nat);
        programs = Program.of(features);
        if (features.contains(Feature.OPERATION)) {
            commands.addAll(OPERATIONS);
        }
        int exchanges = 1 + random.nextInt(MOST_EXCHANGES);
        for (int i = 0; i < exchanges; i++) {
            running.add(begin());
        }
    }

    private Running begin() {
        Program program = programs.get(random.nextInt(programs.size()));
        boolean six = program.feature() != Feature.NAT && random.nextInt(4) == 0;
        String client = address(six, 1 + random.nextInt(2));
        String server = address(six, 3 + random.nextInt(2));
        int clientPort = 1001 + (nat ? begun++ / 2 : random.nextInt(2));
        int serverPort = 80 + (program.choosesPort() ? begun : random.nextInt(2));
        String left = host(client) + ":" + clientPort;
        String right = host(server) + ":" + serverPort;
        Ends ends = Translation.ends(program, left, right);
        if (program.feature() == Feature.HELPERS) {
            begun++;
            return program == Program.TFTP
                    ? new Running(new TftpTransfers(random, host(client), host(server), 2000 + 50 * begun), program)
                    : new Running(new FtpDialogue(random, client, server, 2000 + 50 * begun), Program.FTP);
        }
        Exchange exchange = switch (random.nextInt(8)) {
            case 0, 1 -> new Datagrams(random, ends, fragments ? LARGE_PAYLOAD_BYTES : 40);
            case 2 ->
                new Echoes(
                        random,
                        ends,
                        nat ? 10 + 2 * begun : 1 + random.nextInt(2),
                        fragments ? LARGE_PAYLOAD_BYTES : 30);
            default -> new TcpConversation(random, ends, !nat);
        };
        return new Running(exchange, program);
    }

    private static String host(String address) {
        return address.contains(":") ? "[" + address + "]" : address;
    }

    private static String address(boolean six, int host) {
        return (six ? "fd00::" : "10.0.0.") + host;
    }

    Script script(int count) {
        List<Step> steps = new ArrayList<>();
        while (steps.size() < count) {
            int choice = random.nextInt(100);
            if (choice < 2) {
                long[] waits = nat || fragments || helpers ? SHORT_WAITS_MS : WAITS_MS;
                steps.add(new Step.Wait(waits[random.nextInt(waits.length)]));
            } else if (choice == 2 && !helpers) {
                steps.add(new Step.Command(commands.get(random.nextInt(commands.size()))));
            } else if (choice == 3) {
                running.set(random.nextInt(running.size()), begin());
            } else if (choice < 6 && !late.isEmpty()) {
                steps.add(late.remove(random.nextInt(late.size())));
            } else {
                arrive(steps);
            }
        }
        return new Script(steps);
    }

    private void arrive(List<Step> steps) {
        Running chosen = running.get(random.nextInt(running.size()));
        boolean error = !seen.isEmpty() && !helpers && random.nextInt(12) == 0;
        byte[] frame = error ? errors.about(seen) : chosen.exchange().next();
        Program program = program(chosen.program(), frame);
        if (!error) {
            seen.add(frame);
            if (seen.size() > MAX_SEEN) {
                seen.removeFirst();
            }
        }
        if (Fragments.isLarge(frame)) {
            pieces.of(frame, program.hasOneStage()).forEach(piece -> steps.add(new Step.Arrival(program, piece)));
            return;
        }
        Step arrival = new Step.Arrival(program, frame);
        if (program.choosesPort() || helpers) {
            steps.addAll(Collections.nCopies(helpers && random.nextInt(20) == 0 ? 2 : 1, arrival));
            return;
        }
        switch (random.nextInt(40)) {
            case 0 -> {
                // Lost on its way.
            }
            case 1 -> {
                steps.add(arrival);
                steps.add(arrival);
            }
            case 2, 3 -> (nat ? steps : late).add(arrival);
            case 4 -> steps.add(new Step.Arrival(program, spoilt(frame, false)));
            case 5 -> steps.add(new Step.Arrival(program, spoilt(frame, true)));
            default -> steps.add(arrival);
        }
    }

    /**
     * Mostly the usual program. A port that is the only choice is left to the client of one exchange: Debian's Open
     * vSwitch does not survive for long that it is taken, nor does it take the identifiers of ICMP for ports.
     */
    private Program program(Program usual, byte[] frame) {
        Program program = random.nextInt(8) == 0 ? programs.get(random.nextInt(programs.size())) : usual;
        if (program == Program.FTP || program == Program.TFTP) {
            boolean toServer = program == usual
                    && Headers.of(frame)
                            .isTo(
                                    frame,
                                    program == Program.FTP ? FtpDialogue.CONTROL_PORT : TftpTransfers.REQUEST_PORT);
            return toServer ? program : Program.RELATED;
        }
        return program.choosesPort() && (program != usual || !Translation.isOfClient(frame))
                ? Program.PLAIN_NAT
                : program;
    }

    private byte[] spoilt(byte[] frame, boolean repaired) {
        byte[] copy = frame.clone();
        if (repaired && !(nat && Translation.isIcmp(frame))) { // Nor that an identifier is taken.
            Headers.spoil(copy, random);
        } else {
            Headers.corrupt(copy, random);
        }
        return copy;
    }
}
