package io.turnstile.embedded;

import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import java.util.List;

/** What is said of a port that nobody made. Threads: stateless. */
final class MissingPort {
    private MissingPort() {}

    /** Of a packet that was to leave there. */
    static String explain(OpenFlowSwitch bridge, int number) {
        List<String> flows =
                FlowDump.lines(bridge.flows(new OpenFlowSwitch.FlowQuery(FlowMod.ALL_TABLES, Match.ANY, 0, 0, number)));
        String culprits = flows.isEmpty()
                ? "by a packet-out or an output port that a flow computes"
                : "by the flow " + String.join("; or by ", flows);
        return "a packet was to leave " + bridge.name() + " by port " + number + ", which nobody made, " + culprits
                + ". " + remedy(number)
                + " If the port is missing on purpose, EmbeddedSwitch.builder().allowMissingPorts()"
                + " lets such packets be dropped, as a switch does.";
    }

    /** Of a call that names it. */
    static String noSuchPort(String bridge, int number) {
        return bridge + " has no port " + number + ". " + remedy(number);
    }

    private static String remedy(int number) {
        return "Make it by EmbeddedSwitch.withPorts(" + number + ", …), EmbeddedSwitch.builder().ports(" + number
                + ", …) or addPort(" + number + ").";
    }
}
