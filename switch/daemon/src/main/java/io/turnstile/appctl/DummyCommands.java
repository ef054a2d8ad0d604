package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.FlowMatchParser;
import io.turnstile.datapath.FlowSyntaxException;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code netdev-dummy/…}: frames and link changes by hand, for test suites written for Open vSwitch's dummy devices.
 */
final class DummyCommands {
    /** Without its checksum. */
    private static final int SHORTEST_BYTES = 60;

    private static final int LONGEST_BYTES = 65_535;
    private static final String UNKNOWN = "unknown";
    /** For a port that nobody reads. */
    private static final long LONGEST_WAIT_NS = 1_000_000_000L;

    private static final long LOOK_EVERY_NS = 200_000L;

    private final Datapath datapath;
    private final Runnable onLinkChange;

    /** @param onLinkChange is called when a device's state has changed */
    DummyCommands(Datapath datapath, Runnable onLinkChange) {
        this.datapath = datapath;
        this.onLinkChange = onLinkChange;
    }

    List<Command> commands() {
        return List.of(
                Command.later(
                        "netdev-dummy/receive",
                        "name [--qid queue_id] packet|flow [--len packet_len]",
                        2,
                        Command.ANY_NUMBER,
                        this::receive),
                Command.of("netdev-dummy/conn-state", "[netdev]", 0, 1, this::connectionState),
                Command.of("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2, this::setAdminState));
    }

    private Stream<DummyPort> dummies() {
        return datapath.ports().values().stream()
                .filter(DummyPort.class::isInstance)
                .map(DummyPort.class::cast);
    }

    /** Completes when the frames have been forwarded: who asks next sees what came of them, as in Open vSwitch. */
    private CompletableFuture<CommandReply> receive(List<String> arguments) {
        DummyPort port = dummies()
                .filter(dummy -> dummy.name().equals(arguments.getFirst()))
                .findFirst()
                .orElse(null);
        if (port == null) {
            return CompletableFuture.completedFuture(CommandReply.error("no such dummy netdev"));
        }
        CommandReply reply = deliver(port, arguments);
        CompletableFuture<CommandReply> forwarded = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("dummy-receive").start(() -> {
            awaitForwarded(port);
            forwarded.complete(reply);
        });
        return forwarded;
    }

    private void awaitForwarded(DummyPort port) {
        long beganNs = System.nanoTime();
        while (port.hasPending() && System.nanoTime() - beganNs < LONGEST_WAIT_NS) {
            LockSupport.parkNanos(LOOK_EVERY_NS);
        }
        datapath.awaitQuiescence();
    }

    private CommandReply deliver(DummyPort port, List<String> arguments) {
        List<String> words = arguments.subList(1, arguments.size());
        if (words.size() > 1 && words.getFirst().equals("--qid")) {
            if (!Long.valueOf(0).equals(DpctlLine.unsigned32(words.get(1)))) { // a dummy here has one queue
                return CommandReply.error("bad rx queue id.");
            }
            words = words.subList(2, words.size());
        }
        try {
            for (int i = 0; i < words.size(); i++) {
                String text = words.get(i);
                Optional<byte[]> frame = HexFrame.parse(text);
                int length = 0;
                if (frame.isEmpty() && i + 2 < words.size() && words.get(i + 1).equals("--len")) {
                    length = length(words.get(i + 2));
                    i += 2;
                }
                port.deliver(frame.isPresent() ? frame.get() : compose(text, length));
            }
        } catch (BadArgument e) {
            return CommandReply.error(e.getMessage());
        }
        return CommandReply.ok();
    }

    private static int length(String word) throws BadArgument {
        Long length = DpctlLine.unsigned32(word);
        if (length == null || length < SHORTEST_BYTES || length > LONGEST_BYTES) {
            throw new BadArgument(
                    length == null || length < SHORTEST_BYTES ? "too small packet len" : "too large packet len");
        }
        return length.intValue();
    }

    /** @param length of the frame; 0 for what comes of the flow */
    private byte[] compose(String flow, int length) throws BadArgument {
        try {
            long[] key = FlowMatchParser.parse(flow, this::portNumber).key();
            byte[] frame = length == 0 ? FlowComposer.compose(key) : FlowComposer.compose(key, length);
            if (frame == null) {
                throw new BadArgument("packet len is too small for the flow");
            }
            return frame;
        } catch (FlowSyntaxException e) {
            throw new BadArgument(e.getMessage());
        }
    }

    private int portNumber(String name) {
        return datapath.ports().entrySet().stream()
                .filter(entry -> entry.getValue().name().equals(name))
                .mapToInt(Map.Entry::getKey)
                .findFirst()
                .orElse(-1);
    }

    /** Whether dummies are joined to others by a stream; without a name those that connect to others. */
    private CommandReply connectionState(List<String> arguments) {
        if (arguments.isEmpty()) {
            return CommandReply.ok(dummies()
                    .filter(dummy -> !dummy.connectionState().equals(UNKNOWN))
                    .map(dummy -> dummy.name() + ": " + dummy.connectionState() + "\n")
                    .collect(Collectors.joining()));
        }
        String name = arguments.getFirst();
        return CommandReply.ok(name + ": "
                + dummies()
                        .filter(dummy -> dummy.name().equals(name))
                        .findFirst()
                        .map(DummyPort::connectionState)
                        .orElse(UNKNOWN)
                + "\n");
    }

    private CommandReply setAdminState(List<String> arguments) {
        String state = arguments.getLast();
        if (!state.equals("up") && !state.equals("down")) {
            return CommandReply.error("Invalid Admin State");
        }
        List<DummyPort> chosen = dummies()
                .filter(dummy -> arguments.size() == 1 || dummy.name().equals(arguments.getFirst()))
                .toList();
        if (chosen.isEmpty() && arguments.size() > 1) {
            return CommandReply.error("Unknown Dummy Interface");
        }
        for (Port port : chosen) {
            port.setAdminUp(state.equals("up"));
        }
        onLinkChange.run();
        return CommandReply.ok("OK");
    }
}
