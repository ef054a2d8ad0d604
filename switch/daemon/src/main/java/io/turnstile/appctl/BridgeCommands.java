package io.turnstile.appctl;

import io.turnstile.address.AddressText;
import io.turnstile.bridge.BridgeView;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.TextLines;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** {@code fdb/…} and {@code ofproto/…}: what concerns one bridge. */
final class BridgeCommands {
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
                Command.of("ofproto/list", "", 0, 0, arguments -> list()));
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
}
