package io.turnstile.appctl;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.turnstile.bridge.BridgeView;
import io.turnstile.bridge.BridgeView.InterfaceView;
import io.turnstile.bridge.DatapathFeature;
import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.control.TextLines;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.offload.PathBook;
import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.time.Clock;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code dpctl/…} and {@code dpif/show}: ports and datapath flows as ovs-dpctl(8) prints them. */
final class DatapathCommands {
    private static final String NOT_FOUND = "ovs-vswitchd: datapath not found (Invalid argument)";

    private static final Pattern UFID = Pattern.compile("ufid:(\\p{XDigit}{8}(?:-\\p{XDigit}{4}){3}-\\p{XDigit}{12})");
    /** By a clock that wraps. */
    private static final Comparator<DatapathFlow> OLDEST_FIRST =
            (one, other) -> Long.signum(one.createdNs() - other.createdNs());

    private static final CommandReply NO_BRIDGE = CommandReply.error("no such bridge");

    private final Datapath datapath;
    private final Clock clock;
    private final Supplier<List<BridgeView>> bridges;
    private final DatapathName name;
    private final PathBook paths;
    private final Supplier<List<String>> carriers;

    /** @param carriers the providers that carry */
    DatapathCommands(
            Datapath datapath,
            Clock clock,
            Supplier<List<BridgeView>> bridges,
            DatapathName name,
            PathBook paths,
            Supplier<List<String>> carriers) {
        this.datapath = datapath;
        this.clock = clock;
        this.bridges = bridges;
        this.name = name;
        this.paths = paths;
        this.carriers = carriers;
    }

    List<Command> commands() {
        return List.of(
                Command.of("dpctl/show", "[-s] [dp...]", 0, 2, this::show),
                Command.of("dpctl/dump-dps", "", 0, 0, arguments -> CommandReply.ok(name.text())),
                Command.of("dpif/show", "[--]", 0, 1, arguments -> showBridges())
                        .orJson(arguments -> bridgesAsJson()),
                Command.of("dpif/dump-dps", "", 0, 0, arguments -> dumpBridges()),
                Command.of(
                        "dpif/dump-flows",
                        "[-m] [--names | --no-names] bridge",
                        1,
                        Command.ANY_NUMBER,
                        this::dumpFlowsOfBridge),
                Command.of("dpif/show-dp-features", "bridge", 1, 1, this::showFeatures),
                Command.of("dpif/set-dp-features", "[--force] bridge [feature [value]]", 1, 4, this::setFeature),
                Command.of(
                        "dpctl/dump-flows",
                        "[-m] [--names | --no-names] [dp] [filter=FILTER] [type=TYPE[,TYPE]...]",
                        0,
                        6,
                        this::dumpFlows),
                Command.of("dpctl/get-flow", "[dp] ufid", 1, 4, DpctlLine.handler(2, name::present, this::getFlow)),
                Command.of("dpctl/offload-stats-show", "[dp]", 0, 1, this::showOffload));
    }

    /** The error for the first argument that is not the datapath's name; null if there is none. */
    private @Nullable CommandReply wrongDatapath(List<String> arguments) {
        return arguments.stream()
                .filter(argument -> !argument.startsWith("-") && !name.isNamedBy(argument))
                .findFirst()
                .map(other ->
                        CommandReply.error("ovs-vswitchd: opening datapath " + other + " failed (No such device)"))
                .orElse(null);
    }

    private CommandReply show(List<String> arguments) {
        CommandReply wrong = wrongDatapath(arguments);
        if (wrong != null) {
            return wrong;
        }
        Datapath.Statistics statistics = datapath.statistics();
        StringBuilder text = new StringBuilder(name.text()).append(":\n");
        text.append("  lookups: hit:%d missed:%d lost:%d\n"
                .formatted(statistics.hits(), statistics.misses(), statistics.lost()));
        text.append("  flows: %d\n".formatted(statistics.flows()));
        datapath.ports().forEach((number, port) -> {
            String type = type(port);
            text.append("  port ").append(number).append(": ").append(port.name());
            text.append(type.equals("system") ? "\n" : " (" + type + options(port) + ")\n");
        });
        return CommandReply.ok(text.toString());
    }

    /** The type of a device in Open vSwitch's words, whose internal ports are TAP devices too. */
    private static String type(Port port) {
        return port.type().equals("internal") ? "tap" : port.type();
    }

    /** What is to be known of a dummy's options. */
    private static String options(Port port) {
        if (!(port instanceof DummyPort dummy) || dummy.shownOptions().isEmpty()) {
            return "";
        }
        return ": "
                + dummy.shownOptions().entrySet().stream()
                        .map(option -> option.getKey() + "=" + option.getValue())
                        .collect(Collectors.joining(", "));
    }

    private CommandReply showBridges() {
        Datapath.Statistics statistics = datapath.statistics();
        List<BridgeView> shown = bridges.get();
        if (shown.isEmpty()) {
            return CommandReply.ok();
        }
        StringBuilder text = new StringBuilder(
                "%s: hit:%d missed:%d\n".formatted(name.text(), statistics.hits(), statistics.misses()));
        for (BridgeView bridge : shown) {
            text.append("  ").append(bridge.name()).append(":\n");
            bridge.interfaces().stream()
                    .sorted(Comparator.comparing(InterfaceView::name))
                    .forEach(view -> text.append("    ")
                            .append(view.name())
                            .append(' ')
                            .append(view.number() & 0xffff)
                            .append('/')
                            .append(
                                    view.port() == null
                                            ? "none: (patch: peer=" + view.patchPeer() + ")\n"
                                            : view.datapathPort() + ": (" + type(view.port()) + options(view.port())
                                                    + ")\n"));
        }
        return CommandReply.ok(text.toString());
    }

    /** The same for programs, with numbers as text, as Open vSwitch has them. */
    private CommandReply bridgesAsJson() {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        List<BridgeView> shown = bridges.get();
        if (!shown.isEmpty()) {
            ObjectNode present = all.putObject(name.text());
            ObjectNode byName = present.putObject("bridges");
            for (BridgeView bridge : shown) {
                ObjectNode interfaces = byName.putObject(bridge.name());
                bridge.interfaces().forEach(view -> describe(view, interfaces.putObject(view.name())));
            }
            Datapath.Statistics statistics = datapath.statistics();
            present.putObject("stats")
                    .put("hit", Long.toString(statistics.hits()))
                    .put("missed", Long.toString(statistics.misses()));
        }
        return CommandReply.json(all.toString());
    }

    private static void describe(InterfaceView view, ObjectNode into) {
        into.put("ofport", Integer.toString(view.number() & 0xffff));
        Port port = view.port();
        if (port == null) {
            into.put("port_no", "none").put("type", "patch");
            into.putObject("config").put("peer", view.patchPeer());
            return;
        }
        into.put("port_no", Integer.toString(view.datapathPort())).put("type", type(port));
        if (port instanceof DummyPort dummy && !dummy.shownOptions().isEmpty()) {
            ObjectNode config = into.putObject("config");
            dummy.shownOptions().forEach((option, value) -> config.put(option, String.valueOf(value)));
        }
    }

    private CommandReply dumpBridges() {
        return CommandReply.ofSource(new TextLines(bridges.get().stream()
                .map(bridge -> (bridge.isDummy() ? "dummy@" : "netdev@") + bridge.name())
                .sorted()
                .iterator()));
    }

    private @Nullable BridgeView bridge(String wanted) {
        return bridges.get().stream()
                .filter(bridge -> bridge.name().equals(wanted))
                .findFirst()
                .orElse(null);
    }

    /** The flows whose packets come in by ports of the bridge. */
    private CommandReply dumpFlowsOfBridge(List<String> arguments) {
        BridgeView bridge = bridge(arguments.getLast());
        if (bridge == null) {
            return NO_BRIDGE;
        }
        Set<Integer> numbers = bridge.interfaces().stream()
                .filter(view -> view.port() != null)
                .map(InterfaceView::datapathPort)
                .collect(Collectors.toSet());
        boolean more = arguments.contains("-m");
        boolean names = arguments.contains("--names") || more && !arguments.contains("--no-names");
        IntFunction<String> ports = names ? this::portName : Integer::toString;
        long nowNs = clock.nowNs();
        return CommandReply.ofSource(new TextLines(datapath.flows().stream()
                .map(flow -> flow.isDead() || !numbers.contains((int) Field.IN_PORT.get(flow.firstKey()))
                        ? ""
                        : more
                                ? DatapathFlowText.verboseLineOfBridge(flow, nowNs, ports)
                                : DatapathFlowText.line(flow, nowNs, ports))
                .iterator()));
    }

    private CommandReply showFeatures(List<String> arguments) {
        if (bridge(arguments.getFirst()) == null) {
            return NO_BRIDGE;
        }
        return CommandReply.ofSource(new TextLines(Arrays.stream(DatapathFeature.values())
                .map(feature -> feature.title() + ": " + feature.valueInWords())
                .iterator()));
    }

    /** Shows features; they cannot be turned off here, as Open vSwitch can for what its tests try. */
    private CommandReply setFeature(List<String> words) {
        List<String> arguments = words.getFirst().equals("--force") ? words.subList(1, words.size()) : words;
        if (arguments.isEmpty() || bridge(arguments.getFirst()) == null) {
            return NO_BRIDGE;
        }
        if (arguments.size() == 1) {
            return CommandReply.ofSource(new TextLines(Arrays.stream(DatapathFeature.values())
                    .map(DatapathCommands::featureLine)
                    .sorted()
                    .iterator()));
        }
        return Arrays.stream(DatapathFeature.values())
                .filter(feature -> feature.label().equals(arguments.get(1)))
                .findFirst()
                .map(feature -> arguments.size() == 2
                        ? CommandReply.ok(featureLine(feature) + "\n")
                        : setFeature(feature, arguments.get(2)))
                .orElse(CommandReply.ok("Unexpected support field"));
    }

    private static String featureLine(DatapathFeature feature) {
        return "%s (%s) : [run time]:%s, [boot time]:%s"
                .formatted(feature.label(), feature.title(), feature.value(), feature.value());
    }

    private static CommandReply setFeature(DatapathFeature feature, String value) {
        return value.equals(feature.value())
                ? CommandReply.ok()
                : CommandReply.error(feature.label() + " is " + feature.value() + ", and cannot be set here");
    }

    private CommandReply dumpFlows(List<String> arguments) {
        List<String> names = arguments.stream()
                .filter(argument -> !argument.startsWith("-")
                        && !argument.startsWith(FlowTypes.KEY)
                        && !argument.startsWith(FlowFilter.KEY))
                .toList();
        for (String argument : arguments) {
            if (argument.startsWith("-")
                    && !List.of("-m", "--more", "--names", "--no-names").contains(argument)) {
                return CommandReply.error("Unrecognized option " + argument);
            }
        }
        if (wrongDatapath(names) != null) {
            return CommandReply.error(NOT_FOUND);
        }
        boolean more = arguments.contains("-m") || arguments.contains("--more");
        IntFunction<String> ports = arguments.contains("--names") || more && !arguments.contains("--no-names")
                ? this::portName
                : Integer::toString;
        try {
            FlowFilter filter = FlowFilter.in(arguments, datapath.ports());
            FlowTypes types = FlowTypes.in(arguments);
            List<DatapathFlow> shown = datapath.flows().stream()
                    .filter(filter::passes)
                    .sorted(OLDEST_FIRST)
                    .toList();
            return CommandReply.ofSource(new TextLines(flowLines(shown, types, more, ports)));
        } catch (BadArgument e) {
            return DpctlLine.invalid(e.getMessage());
        }
    }

    private CommandReply getFlow(DpctlLine line) {
        Matcher id = UFID.matcher(line.fromEnd(0));
        if (!id.lookingAt()) {
            return DpctlLine.invalid("parsing flow ufid");
        }
        UUID wanted = UUID.fromString(id.group(1));
        return datapath.flows().stream()
                .filter(flow -> !flow.isDead() && flow.uniqueId().equals(wanted))
                .findFirst()
                .map(flow -> CommandReply.ok((line.more()
                                ? DatapathFlowText.verboseLine(flow, clock.nowNs(), this::portName)
                                : DatapathFlowText.line(flow, clock.nowNs()))
                        + "\n"))
                .orElse(CommandReply.error("ovs-vswitchd: getting flow (No such file or directory)"));
    }

    /** Lines of flows, each made when it is asked for; a flow that has gone meanwhile is left out. */
    private Iterator<String> flowLines(
            List<DatapathFlow> flows, FlowTypes types, boolean more, IntFunction<String> ports) {
        if (flows.isEmpty()) {
            return Collections.emptyIterator();
        }
        long nowNs = clock.nowNs();
        String carrier = String.join("+", carriers.get()); // which of them it is, nobody here knows
        Stream<String> lines = flows.stream().map(flow -> {
            boolean isCarried = datapath.isFollowed(flow);
            if (flow.isDead() || !types.shows(isCarried)) {
                return "";
            }
            return more
                    ? DatapathFlowText.verboseLine(flow, nowNs, ports, isCarried ? carrier : "")
                    : DatapathFlowText.line(flow, nowNs, ports);
        });
        return Stream.concat(Stream.of("flow-dump from the main thread:"), lines)
                .iterator();
    }

    /** What is carried, in the words of Open vSwitch's providers. */
    private CommandReply showOffload(List<String> arguments) {
        CommandReply wrong = wrongDatapath(arguments);
        if (wrong != null) {
            return wrong;
        }
        PathBook.Totals totals = paths.totals();
        return CommandReply.ok("""
            HW Offload stats:
              Total:
                Inserted offloads: %6d
                Carried packets: %6d
                Carried bytes: %6d
            """.formatted(totals.carried(), totals.packets(), totals.bytes()));
    }

    private String portName(int number) {
        Port port = datapath.port(number);
        return port == null ? Integer.toString(number) : port.name();
    }
}
