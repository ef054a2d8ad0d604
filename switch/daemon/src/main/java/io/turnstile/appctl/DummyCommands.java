package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code netdev-dummy/…}: frames and link changes by hand, for test suites written for Open vSwitch's dummy devices.
 */
final class DummyCommands {
    private final Datapath datapath;
    private final Runnable onLinkChange;

    /** @param onLinkChange is called when a device's state has changed */
    DummyCommands(Datapath datapath, Runnable onLinkChange) {
        this.datapath = datapath;
        this.onLinkChange = onLinkChange;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
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

    private CommandReply receive(List<String> arguments) {
        DummyPort port = dummies()
                .filter(dummy -> dummy.name().equals(arguments.getFirst()))
                .findFirst()
                .orElse(null);
        if (port == null) {
            return CommandReply.error("no such dummy netdev");
        }
        for (String text : arguments.subList(1, arguments.size())) {
            if (text.startsWith("--")) {
                return CommandReply.error(text + " is not supported");
            }
            byte[] frame;
            try {
                frame = text.matches("([0-9a-fA-F]{2}){14,}")
                        ? HexFormat.of().parseHex(text)
                        : FlowComposer.compose(text);
            } catch (IllegalArgumentException e) {
                return CommandReply.error(String.valueOf(e.getMessage()));
            }
            port.deliver(frame);
        }
        return CommandReply.ok();
    }

    /** Whether dummies are joined to others by a stream, which none is here. */
    private CommandReply connectionState(List<String> arguments) {
        return CommandReply.ok(arguments.isEmpty() ? "" : arguments.getFirst() + ": unknown\n");
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
