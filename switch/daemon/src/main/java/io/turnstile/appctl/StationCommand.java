package io.turnstile.appctl;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.address.AddressText;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.TextLines;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.Pipeline;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * {@code fdb/show}: the stations that bridges have learned, of those that are named or of all, as the main branch of
 * Open vSwitch shows them. With several bridges each has its name beside its first station.
 */
final class StationCommand {
    private static final String BRIDGE = "Bridge";
    private static final String HEADER = " Port  VLAN  MAC                Age";

    private final Pipeline pipeline;

    StationCommand(Pipeline pipeline) {
        this.pipeline = pipeline;
    }

    Command command() {
        return Command.of("fdb/show", "[bridge]...", 0, Command.ANY_NUMBER, words -> on(words, StationCommand::text))
                .orJson(words -> on(words, StationCommand::json));
    }

    private CommandReply on(List<String> names, Function<List<BridgePipeline>, CommandReply> show) {
        List<BridgePipeline> bridges = new ArrayList<>();
        for (String name : names) {
            BridgePipeline bridge = pipeline.bridge(name);
            if (bridge == null) {
                return CommandReply.error("no such bridge " + name);
            }
            bridges.add(bridge);
        }
        return show.apply(names.isEmpty() ? pipeline.bridges() : bridges);
    }

    private static CommandReply text(List<BridgePipeline> bridges) {
        if (bridges.size() == 1) {
            return CommandReply.ofSource(new TextLines(Stream.concat(
                            Stream.of(HEADER),
                            bridges.getFirst().macEntries().stream().map(StationCommand::line))
                    .iterator()));
        }
        int longest =
                bridges.stream().mapToInt(bridge -> bridge.name().length()).reduce(BRIDGE.length(), Math::max);
        String column = " %-" + (longest + 1) + "s";
        return CommandReply.ofSource(new TextLines(Stream.concat(
                        Stream.of(column.formatted(BRIDGE) + HEADER),
                        bridges.stream().flatMap(bridge -> linesBesideName(bridge, column)))
                .iterator()));
    }

    private static Stream<String> linesBesideName(BridgePipeline bridge, String column) {
        List<BridgePipeline.MacEntry> entries = bridge.macEntries();
        if (entries.isEmpty()) {
            return Stream.of(" " + bridge.name());
        }
        return Stream.concat(
                Stream.of(column.formatted(bridge.name()) + line(entries.getFirst())),
                entries.stream().skip(1).map(entry -> column.formatted("") + line(entry)));
    }

    private static String line(BridgePipeline.MacEntry entry) {
        String line = "%5s  %4d  %s  "
                .formatted(BridgeCommands.portText(entry.port()), entry.vlan(), AddressText.mac(entry.mac()));
        return line + (entry.isStatic() ? "static" : "%3d".formatted(entry.ageSeconds()));
    }

    private static CommandReply json(List<BridgePipeline> bridges) {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        for (BridgePipeline bridge : bridges) {
            ArrayNode stations = all.putArray(bridge.name());
            for (BridgePipeline.MacEntry entry : bridge.macEntries()) {
                ObjectNode station = stations.addObject()
                        .put("port", entry.port())
                        .put("vlan", entry.vlan())
                        .put("mac", AddressText.mac(entry.mac()));
                if (entry.isStatic()) {
                    station.put("static", true);
                } else {
                    station.put("age", entry.ageSeconds());
                }
            }
        }
        return CommandReply.json(all.toString());
    }
}
