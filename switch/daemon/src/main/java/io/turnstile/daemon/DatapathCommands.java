package io.turnstile.daemon;

import io.turnstile.bridge.BridgeView;
import io.turnstile.bridge.BridgeView.InterfaceView;
import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlServer;
import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.port.Port;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;

/**
 * {@code dpctl/…} and {@code dpif/show}: ports and datapath flows as ovs-dpctl(8) prints them. There is one datapath;
 * it bears the name that the peer's would.
 */
final class DatapathCommands {
    private static final String NOT_FOUND = "ovs-vswitchd: datapath not found (Invalid argument)";

    private final SwitchDaemon daemon;

    DatapathCommands(SwitchDaemon daemon) {
        this.daemon = daemon;
    }

    void registerAll(ControlServer control) {
        control.register("dpctl/show", "[-s] [dp...]", 0, 2, this::show);
        control.register("dpctl/dump-dps", "", 0, 0, arguments -> CommandReply.ok(name()));
        control.register("dpif/show", "[--]", 0, 1, arguments -> perBridge());
        control.register("dpctl/dump-flows", "[-m] [--names | --no-names] [dp]", 0, 3, this::dumpFlows);
    }

    /** The datapath's name; empty while there is no bridge, as the peer makes its datapath with the first one. */
    String presentName() {
        return daemon.reconciler().bridges().isEmpty() ? "" : name();
    }

    /** {@code dummy@ovs-dummy} if bridges are of that type, else {@code netdev@ovs-netdev}. */
    String name() {
        return daemon.reconciler().bridges().stream().anyMatch(BridgeView::isDummy)
                ? "dummy@ovs-dummy"
                : "netdev@ovs-netdev";
    }

    private boolean isName(String argument) {
        return argument.equals(name()) || name().endsWith("@" + argument);
    }

    /** The error for the first argument that is not the datapath's name; null if there is none. */
    private CommandReply wrongDatapath(List<String> arguments) {
        return arguments.stream()
                .filter(argument -> !argument.startsWith("-") && !isName(argument))
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
        Datapath.Statistics statistics = daemon.datapath().statistics();
        StringBuilder text = new StringBuilder(name()).append(":\n");
        text.append("  lookups: hit:%d missed:%d lost:%d\n"
                .formatted(statistics.hits(), statistics.misses(), statistics.lost()));
        text.append("  flows: %d\n".formatted(statistics.flows()));
        daemon.datapath().ports().forEach((number, port) -> {
            String type = type(port);
            text.append("  port ").append(number).append(": ").append(port.name());
            text.append(type.equals("system") ? "\n" : " (" + type + ")\n");
        });
        return CommandReply.ok(text.toString());
    }

    /** The peer's word for a device: its internal ports are TAP devices too. */
    private static String type(Port port) {
        return port.type().equals("internal") ? "tap" : port.type();
    }

    private CommandReply perBridge() {
        Datapath.Statistics statistics = daemon.datapath().statistics();
        List<BridgeView> bridges = daemon.reconciler().bridges();
        if (bridges.isEmpty()) {
            return CommandReply.ok();
        }
        StringBuilder text =
                new StringBuilder("%s: hit:%d missed:%d\n".formatted(name(), statistics.hits(), statistics.misses()));
        for (BridgeView bridge : bridges) {
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
                                            : view.datapathPort() + ": (" + type(view.port()) + ")\n"));
        }
        return CommandReply.ok(text.toString());
    }

    private CommandReply dumpFlows(List<String> arguments) {
        List<String> names =
                arguments.stream().filter(argument -> !argument.startsWith("-")).toList();
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
        long nowNs = daemon.clock().nowNs();
        StringBuilder text = new StringBuilder();
        for (DatapathFlow flow : daemon.datapath().flows()) {
            text.append(
                            more
                                    ? DatapathFlowText.verboseLine(flow, nowNs, ports)
                                    : DatapathFlowText.line(flow, nowNs, ports))
                    .append('\n');
        }
        return CommandReply.ok(text.isEmpty() ? "" : "flow-dump from the main thread:\n" + text);
    }

    private String portName(int number) {
        Port port = daemon.datapath().port(number);
        return port == null ? Integer.toString(number) : port.name();
    }
}
