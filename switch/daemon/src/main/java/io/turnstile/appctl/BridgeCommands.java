package io.turnstile.appctl;

import io.turnstile.bridge.BridgeView;
import io.turnstile.bridge.MacText;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code fdb/…} and {@code ofproto/…}: what concerns one bridge. */
final class BridgeCommands {
    private static final Pattern DIGITS = Pattern.compile("\\s*[+-]?[0-9]{1,18}");

    private final Pipeline pipeline;
    private final Supplier<List<BridgeView>> bridges;

    /** @param bridges those that are shown: as they stood after the last change of the configuration */
    BridgeCommands(Pipeline pipeline, Supplier<List<BridgeView>> bridges) {
        this.pipeline = pipeline;
        this.bridges = bridges;
    }

    List<Command> commands() {
        return List.of(
                new StationCommand(pipeline).command(),
                Command.of("fdb/add", "bridge port vlan mac", 4, 4, this::addMac),
                Command.of("fdb/del", "bridge vlan mac", 3, 3, this::deleteMac),
                Command.of("fdb/stats-clear", "[bridge]", 0, 1, this::clearStatistics),
                Command.of(
                        "fdb/stats-show",
                        "bridge",
                        1,
                        1,
                        arguments -> on(arguments.getFirst(), BridgeCommands::showStatistics)),
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

    static String portText(int number) {
        return number == OfAction.Ports.LOCAL ? "LOCAL" : Integer.toString(number);
    }

    private CommandReply addMac(List<String> arguments) {
        return on(arguments.getFirst(), bridge -> {
            OptionalLong mac = MacText.parse(arguments.get(3));
            OptionalInt port = TraceCommand.portNumber(bridge, arguments.get(1));
            if (mac.isEmpty()) {
                return CommandReply.error("bad MAC address");
            }
            if (port.isEmpty()) {
                return CommandReply.error("software error, odp port is present but no ofp port");
            }
            return CommandReply.ok(bridge.addStaticMac(port.getAsInt(), vlan(arguments.get(2)), mac.getAsLong())
                    .map(old -> "Overriding already existing %s entry on %s\n"
                            .formatted(old.isStatic() ? "static" : "dynamic", portText(old.port())))
                    .orElse(""));
        });
    }

    private CommandReply deleteMac(List<String> arguments) {
        return on(arguments.getFirst(), bridge -> {
            OptionalLong mac = MacText.parse(arguments.get(2));
            if (mac.isEmpty()) {
                return CommandReply.error("bad MAC address");
            }
            return bridge.removeStaticMac(vlan(arguments.get(1)), mac.getAsLong())
                    ? CommandReply.ok("")
                    : CommandReply.error("could not find static mac entry\n");
        });
    }

    /** As Open vSwitch reads it: digits as far as they go, 0 for none, 16 bits. */
    private static int vlan(String text) {
        Matcher digits = DIGITS.matcher(text);
        return digits.lookingAt() ? (int) Long.parseLong(digits.group().strip()) & 0xffff : 0;
    }

    private CommandReply clearStatistics(List<String> arguments) {
        if (arguments.isEmpty()) {
            pipeline.bridges().forEach(BridgePipeline::clearMacStatistics);
            return CommandReply.ok("statistics successfully cleared");
        }
        return on(arguments.getFirst(), bridge -> {
            bridge.clearMacStatistics();
            return CommandReply.ok("statistics successfully cleared");
        });
    }

    private static CommandReply showStatistics(BridgePipeline bridge) {
        BridgePipeline.MacStatistics counts = bridge.macStatistics();
        return CommandReply.ok("""
                Statistics for bridge "%s":
                  Current/maximum MAC entries in the table: %d/%d
                  Current static MAC entries in the table : %d
                  Total number of learned MAC entries     : %d
                  Total number of expired MAC entries     : %d
                  Total number of evicted MAC entries     : %d
                  Total number of port moved MAC entries  : %d
                """.formatted(
                        bridge.name(),
                        counts.current(),
                        counts.maximum(),
                        counts.staticEntries(),
                        counts.learned(),
                        counts.expired(),
                        counts.evicted(),
                        counts.moved()));
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
