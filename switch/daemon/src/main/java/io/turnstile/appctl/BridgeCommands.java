package io.turnstile.appctl;

import io.turnstile.address.AddressText;
import io.turnstile.bridge.BridgeView;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.TextLines;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code fdb/…} and {@code ofproto/…}: what concerns one bridge. */
final class BridgeCommands {
    private static final Pattern HEX = Pattern.compile("[0-9a-fA-F]+");

    private final Pipeline pipeline;
    private final Supplier<List<BridgeView>> bridges;

    /** @param bridges those that are shown: as they stood after the last change of the configuration */
    BridgeCommands(Pipeline pipeline, Supplier<List<BridgeView>> bridges) {
        this.pipeline = pipeline;
        this.bridges = bridges;
    }

    List<Command> commands() {
        return List.of(
                Command.of("fdb/show", "bridge", 1, 1, arguments -> on(arguments.getFirst(), BridgeCommands::showMacs)),
                Command.of("fdb/flush", "[bridge]", 0, 1, this::flushMacs),
                Command.of("bridge/dump-flows", "[--offload-stats] bridge", 1, 2, this::dumpFlows),
                Command.of("ofproto/list", "", 0, 0, arguments -> list()),
                Command.of("ofproto/trace", "{bridge flow}", 1, Command.ANY_NUMBER, this::trace));
    }

    private CommandReply dumpFlows(List<String> arguments) {
        BridgePipeline bridge = pipeline.bridge(arguments.getLast());
        if (bridge == null) {
            return CommandReply.error("Unknown bridge");
        }
        return CommandReply.ofSource(
                new RuleLines(bridge.allFlowsInTurn(), arguments.getFirst().equals("--offload-stats")));
    }

    private CommandReply list() {
        return CommandReply.ok(String.join(
                "\n", bridges.get().stream().map(BridgeView::name).sorted().toList()));
    }

    private CommandReply on(String name, Function<BridgePipeline, CommandReply> action) {
        BridgePipeline bridge = pipeline.bridge(name);
        return bridge == null ? CommandReply.error("no such bridge") : action.apply(bridge);
    }

    private static CommandReply showMacs(BridgePipeline bridge) {
        Stream<String> lines = bridge.macEntries().stream().map(BridgeCommands::macLine);
        return CommandReply.ofSource(
                new TextLines(Stream.concat(Stream.of(" port  VLAN  MAC                Age"), lines)
                        .iterator()));
    }

    private static String macLine(BridgePipeline.MacEntry entry) {
        String port = entry.port() == OfAction.Ports.LOCAL ? "LOCAL" : Integer.toString(entry.port());
        return "%5s  %4d  %s  %3d".formatted(port, entry.vlan(), AddressText.mac(entry.mac()), entry.ageSeconds());
    }

    private CommandReply flushMacs(List<String> arguments) {
        if (arguments.isEmpty()) {
            pipeline.bridges().forEach(BridgePipeline::flushMacs);
            return CommandReply.ok("table successfully flushed");
        }
        return on(arguments.getFirst(), bridge -> {
            bridge.flushMacs();
            return CommandReply.ok("table successfully flushed");
        });
    }

    private CommandReply trace(List<String> words) {
        try {
            TraceArguments arguments = TraceArguments.parse(words);
            return trace(arguments.named(), arguments.ctStates());
        } catch (BadArgument e) {
            return CommandReply.error(e.getMessage());
        }
    }

    private CommandReply trace(List<String> arguments, List<Integer> ctStates) {
        if (arguments.isEmpty()) {
            return CommandReply.error("Syntax error");
        }
        if (arguments.size() == 1) { // a flow of the datapath, which would have to be named as such
            return CommandReply.error("syntax error at " + arguments.getFirst() + " (or the bridge name was omitted)");
        }
        if (arguments.size() > 2) {
            return CommandReply.error(
                    HEX.matcher(arguments.get(2)).matches()
                            ? "tracing a given packet is not supported"
                            : "Trailing garbage in packet data");
        }
        BridgePipeline bridge = pipeline.bridge(arguments.getFirst());
        if (bridge == null) {
            return CommandReply.error(arguments.getFirst() + ": unknown bridge");
        }
        try {
            Match flow = FlowText.parseMatch(arguments.get(1), name -> portNumber(bridge, name));
            int inPort = flow.matchesOn(Field.IN_PORT) ? (int) flow.value(Field.IN_PORT) : OfAction.Ports.NONE;
            return CommandReply.ofSource(pipeline.beginTrace(bridge, inPort, flow.copyOfValue(), ctStates)::next);
        } catch (FlowTextException e) {
            return CommandReply.error("Bad openflow flow syntax: " + arguments.get(1) + ": " + e.getMessage());
        }
    }

    private static OptionalInt portNumber(BridgePipeline bridge, String name) {
        return bridge.ports().stream()
                .filter(port -> port.name().equals(name))
                .mapToInt(OfPort::number)
                .findFirst();
    }
}
