package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Bridges and interfaces of every type, made, changed, broken and removed live: the same script against Turnstile and
 * against ovs-vswitchd, which leave equal transcripts.
 *
 * <p>The bridge's own row of Interface is left out: Open vSwitch writes its admin and link state some time after it
 * made the device, and changes the device itself meanwhile.
 */
@Tag("system")
class InterfaceStoryTest {
    /** How long the switch may take to write back what nobody waits for. */
    private static final Duration SOON = Duration.ofSeconds(4);
    /** Statistics are written every five seconds. */
    private static final Duration STATISTICS_LIMIT = Duration.ofSeconds(12);

    @Test
    void typesAndTheirErrors() {
        compare(Script::typesAndTheirErrors);
    }

    @Test
    void patchPortsJoinBridges() {
        compare(Script::patchPortsJoinBridges);
    }

    @Test
    void devicesComeAndGo() {
        compare(Script::devicesComeAndGo);
    }

    @Test
    void requestsAreHonouredWhereTheyCanBe() {
        compare(Script::requestsAreHonouredWhereTheyCanBe);
    }

    @Test
    void linksAndCountersAreFollowed() {
        compare(Script::linksAndCountersAreFollowed);
    }

    @Test
    void bridgesFollowTheirRows() {
        compare(Script::bridgesFollowTheirRows);
    }

    private interface Part {
        void play(Script script);
    }

    private static void compare(Part part) {
        String ours = play(lab -> Turnstile.start(lab, "--enable-dummy"), part);
        String theirs = play(lab -> OpenVswitch.start(lab, "--enable-dummy"), part);
        assertThat(ours).isEqualTo(theirs);
    }

    private static String play(Function<Lab, LabSwitch> starter, Part part) {
        try (Lab lab = new Lab("if");
                LabSwitch sw = lab.add(starter.apply(lab))) {
            Script script = new Script(lab, sw);
            part.play(script);
            return script.transcript.toString();
        }
    }

    /** The steps, and what they need to look at one switch. */
    private static final class Script {
        private final Lab lab;
        private final LabSwitch sw;
        private final Transcript transcript = new Transcript();
        private final String br0;
        private final String br1;

        Script(Lab lab, LabSwitch sw) {
            this.lab = lab;
            this.sw = sw;
            br0 = device("br0");
            br1 = device("br1");
        }

        // ---- the script ----

        void typesAndTheirErrors() {
            Host host = host("a", "10.5.0.1/24");
            String tap = device("tap");
            String internal = device("int");
            String missing = device("none");
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            vsctl("system", "add-port", br0, host.device());
            vsctl("tap", "add-port", br0, tap, "--", "set", "interface", tap, "type=tap");
            vsctl("internal", "add-port", br0, internal, "--", "set", "interface", internal, "type=internal");
            vsctl("dummy", "add-port", br0, "d5", "--", "set", "interface", "d5", "type=dummy");
            vsctl("an unknown type", "add-port", br0, "odd", "--", "set", "interface", "odd", "type=odd");
            vsctl("a missing device", "add-port", br0, missing);
            vsctl("the loopback device", "add-port", br0, "lo");
            vsctl("a patch port without peer", "add-port", br0, "pa", "--", "set", "interface", "pa", "type=patch");
            vsctl(
                    "a patch port to itself",
                    "add-port",
                    br0,
                    "pb",
                    "--",
                    "set",
                    "interface",
                    "pb",
                    "type=patch",
                    "options:peer=pb");
            vsctl("a device twice", "add-port", br0, host.device());
            vsctl("another bridge", "add-br", br1, "--", "set", "bridge", br1, "datapath_type=netdev");
            vsctl("a device of another bridge", "add-port", br1, host.device());
            for (String name : List.of(host.device(), tap, internal, "d5", "odd", missing, "lo", "pa", "pb")) {
                interfaceRow(name);
            }
            show();
            openFlowPorts(br0);
            vsctl("a missing device can be removed", "del-port", br0, missing);
            vsctl("internal goes", "del-port", br0, internal);
            awaitDevice(internal, false);
            awaitDevice(tap, true);
            vsctl("a type changes", "set", "interface", tap, "type=internal");
            interfaceRow(tap);
            vsctl("the bridge goes", "del-br", br0);
            for (String device : List.of(br0, tap)) {
                awaitDevice(device, false);
            }
            awaitDevice(host.device(), true);
            show();
        }

        void patchPortsJoinBridges() {
            Host a = host("a", "10.5.0.1/24");
            Host b = host("b", "10.5.0.2/24");
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            vsctl("another bridge", "add-br", br1, "--", "set", "bridge", br1, "datapath_type=netdev");
            vsctl("a host at the one", "add-port", br0, a.device());
            vsctl("a host at the other", "add-port", br1, b.device());
            vsctl(
                    "half a pair",
                    "add-port",
                    br0,
                    "pa",
                    "--",
                    "set",
                    "interface",
                    "pa",
                    "type=patch",
                    "options:peer=pb");
            await("interface", "pa", "error", "\"No usable peer 'pb' exists in 'netdev' datapath.\"");
            vsctl(
                    "the other half",
                    "add-port",
                    br1,
                    "pb",
                    "--",
                    "set",
                    "interface",
                    "pb",
                    "type=patch",
                    "options:peer=pa");
            await("interface", "pa", "error", "[]");
            interfaceRow("pa");
            interfaceRow("pb");
            openFlowPorts(br0);
            transcript.add("ping through the pair", ping(a, b));
            transcript.addSorted(
                    "ports",
                    sw.appctl("dpif/show").run().lines().stream()
                            .filter(line -> !line.contains("hit:"))
                            .toList());
            vsctl("a peer that looks elsewhere", "set", "interface", "pb", "options:peer=pc");
            await("interface", "pa", "error", "\"No usable peer 'pb' exists in 'netdev' datapath.\"");
            transcript.add("ping to nowhere", ping(a, b, 1));
            vsctl("back again", "set", "interface", "pb", "options:peer=pa");
            await("interface", "pa", "error", "[]");
            transcript.add("ping through the pair again", ping(a, b));
            vsctl("half of it goes", "del-port", br1, "pb");
            await("interface", "pa", "error", "\"No usable peer 'pb' exists in 'netdev' datapath.\"");
            transcript.add("ping to nowhere again", ping(a, b, 1));
            show();
        }

        void devicesComeAndGo() {
            String late = device("late");
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            vsctl("first the port", "add-port", br0, late);
            vsctl("another port", "add-port", br0, "d5", "--", "set", "interface", "d5", "type=dummy");
            interfaceRow(late);
            makeVeth(late);
            await("interface", late, "error", "[]");
            await("interface", late, "admin_state", "up");
            interfaceRow(late);
            Command.of("ip", "link", "delete", late).run();
            awaitThat(
                    "the link is down",
                    () -> !value("interface", late, "link_state").equals("up"));
            if (sw instanceof Turnstile) {
                // Open vSwitch's userspace datapath holds on to a device that is gone; its kernel datapath does as
                // Turnstile
                // does.
                assertThat(value("interface", late, "ofport")).isEqualTo("-1");
                assertThat(value("interface", late, "error"))
                        .isEqualTo("\"could not open network device " + late + " (No such device)\"");
            }
            makeVeth(late);
            await("interface", late, "ofport", "2");
            await("interface", late, "admin_state", "up");
            interfaceRow(late);
            show();
        }

        void requestsAreHonouredWhereTheyCanBe() {
            Host host = host("a", "10.5.0.1/24");
            String internal = device("int");
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            vsctl(
                    "a number",
                    "add-port",
                    br0,
                    host.device(),
                    "--",
                    "set",
                    "interface",
                    host.device(),
                    "ofport_request=77");
            vsctl("none", "add-port", br0, "d5", "--", "set", "interface", "d5", "type=dummy");
            vsctl("the same", "add-port", br0, "d6", "--", "set", "interface", "d6", "type=dummy", "ofport_request=77");
            vsctl(
                    "the local port's",
                    "add-port",
                    br0,
                    "d7",
                    "--",
                    "set",
                    "interface",
                    "d7",
                    "type=dummy",
                    "ofport_request=65279");
            vsctl(
                    "too high",
                    "add-port",
                    br0,
                    "d8",
                    "--",
                    "set",
                    "interface",
                    "d8",
                    "type=dummy",
                    "ofport_request=65280");
            get("interface", host.device(), "ofport");
            get("interface", "d7", "ofport");
            note(
                    "the one that asked for a taken number has another",
                    !value("interface", "d6", "ofport").equals("77"));
            vsctl("another number", "set", "interface", "d5", "ofport_request=88");
            await("interface", "d5", "ofport", "88");
            vsctl("no number", "clear", "interface", "d5", "ofport_request");
            get("interface", "d5", "ofport");

            vsctl("an MTU", "set", "interface", host.device(), "mtu_request=1400");
            await("interface", host.device(), "mtu", "1400");
            note("the device has it", ipLink(host.device()).contains("mtu 1400 "));
            vsctl("an MTU that veth refuses", "set", "interface", host.device(), "mtu_request=65536");
            get("interface", host.device(), "mtu"); // The error is in our column error, but only in Open vSwitch's log.
            vsctl("no MTU", "clear", "interface", host.device(), "mtu_request");
            get("interface", host.device(), "mtu");
            vsctl("internal", "add-port", br0, internal, "--", "set", "interface", internal, "type=internal");
            vsctl("its MTU", "set", "interface", internal, "mtu_request=1300");
            await("interface", internal, "mtu", "1300");
            get("interface", "d5", "mtu");

            note(
                    "mac_in_use is the device's",
                    ipLink(host.device())
                            .contains("link/ether "
                                    + value("interface", host.device(), "mac_in_use")
                                            .replace("\"", "")));
            vsctl("an address", "set", "interface", internal, "mac=\"50:54:00:00:00:05\"");
            awaitThat(
                    "mac_in_use is the one asked for",
                    () -> value("interface", internal, "mac_in_use").equals("\"50:54:00:00:00:05\""));
            note("the device has it", ipLink(internal).contains("link/ether 50:54:00:00:00:05"));
            vsctl("a bad address", "set", "interface", internal, "mac=\"odd\"");
            note("it keeps the one it has", ipLink(internal).contains("link/ether 50:54:00:00:00:05"));
        }

        void linksAndCountersAreFollowed() {
            String internal = device("int");
            Host a = host("a", "10.5.0.1/24");
            Host b = host("b", "10.5.0.2/24");
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            vsctl(
                    "a host",
                    "add-port",
                    br0,
                    a.device()); // One by one: of ports added together Open vSwitch takes any first.
            vsctl("another host", "add-port", br0, b.device());
            vsctl("an internal port", "add-port", br0, internal, "--", "set", "interface", internal, "type=internal");
            await("interface", a.device(), "link_state", "up");
            note(
                    "it has a statistics column",
                    !value("interface", a.device(), "statistics").equals("{}"));
            for (String name : List.of(a.device(), internal)) {
                note(
                        "counters of " + name,
                        value("interface", name, "statistics").replaceAll("=\\d+", ""));
            }
            a.run("ip", "link", "set", "eth0", "down");
            await("interface", a.device(), "link_state", "down");
            get("interface", a.device(), "admin_state");
            openFlowPorts(br0);
            a.run("ip", "link", "set", "eth0", "up");
            await("interface", a.device(), "link_state", "up");
            Command.of("ip", "link", "set", a.device(), "down").run();
            await("interface", a.device(), "admin_state", "down");
            get("interface", a.device(), "error");
            openFlowPorts(br0);
            Command.of("ip", "link", "set", a.device(), "up").run();
            await("interface", a.device(), "admin_state", "up");
            await("interface", a.device(), "link_state", "up");
            transcript.add("ping", ping(a, b));
            Await.until(
                    "the counters move",
                    STATISTICS_LIMIT,
                    () -> counter(a, "rx_packets") >= 3
                            && counter(a, "tx_packets") >= 3
                            && counter(a, "rx_bytes") >= 3 * 98,
                    () -> sw.vsctl("list", "interface", a.device()).run().text());
            vsctl("a port goes down by OpenFlow", "get", "interface", b.device(), "ofport");
            transcript.add(
                    "mod-port",
                    sw.ofctl("mod-port", br0, b.device(), "down").attempt().errors());
            await("interface", b.device(), "admin_state", "down");
            transcript.add("ping to a port that is down", ping(a, b, 1));
        }

        void bridgesFollowTheirRows() {
            vsctl("a bridge", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            note(
                    "cur_cfg has followed",
                    value("open_vswitch", ".", "cur_cfg").equals(value("open_vswitch", ".", "next_cfg")));
            flows("a fresh bridge");
            vsctl("an id", "set", "bridge", br0, "other_config:datapath-id=00000000000000ab");
            get("bridge", br0, "datapath_id");
            note("OpenFlow has it", sw.ofctl("show", br0).run().text().contains("dpid:00000000000000ab"));
            vsctl("an id in short", "set", "bridge", br0, "other_config:datapath-id=0xcd");
            get("bridge", br0, "datapath_id");
            vsctl("a bad id", "set", "bridge", br0, "other_config:datapath-id=odd");
            note("it follows the address", ownDatapathId());
            vsctl("an address", "set", "bridge", br0, "other_config:hwaddr=50:54:00:00:00:09");
            get("bridge", br0, "datapath_id");
            note("the device has it", ipLink(br0).contains("link/ether 50:54:00:00:00:09"));
            vsctl("an id of its own again", "clear", "bridge", br0, "other_config");
            note("it follows the address", ownDatapathId());

            vsctl("secure", "set-fail-mode", br0, "secure");
            flows("a secure bridge");
            sw.ofctl("add-flow", br0, "priority=5,arp,actions=NORMAL").run();
            vsctl("secure once more", "set-fail-mode", br0, "secure");
            flows("its flows stay");
            vsctl("standalone", "set-fail-mode", br0, "standalone");
            flows("a standalone bridge");
            sw.ofctl("add-flow", br0, "priority=5,arp,actions=NORMAL").run();
            vsctl("as at first", "del-fail-mode", br0);
            flows("no mode is standalone");

            vsctl("an unknown datapath type", "add-br", br1, "--", "set", "bridge", br1, "datapath_type=odd");
            show();
            vsctl("that bridge goes", "del-br", br1);
            vsctl("the bridge goes", "del-br", br0);
            awaitDevice(br0, false);
            transcript.add(
                    "OpenFlow to a bridge that is gone",
                    sw.ofctl("show", br0).attempt().errors());
            vsctl("it comes again", "add-br", br0, "--", "set", "bridge", br0, "datapath_type=netdev");
            flows("a bridge made again");
            note(
                    "cur_cfg has followed",
                    value("open_vswitch", ".", "cur_cfg").equals(value("open_vswitch", ".", "next_cfg")));
        }

        // ---- looking ----

        private String device(String suffix) {
            String name = lab.deviceName(suffix);
            transcript.call(name, suffix);
            return name;
        }

        private Host host(String name, String address) {
            Host host = lab.host(name, address);
            transcript.call(host.device(), "host-" + name);
            return host;
        }

        private static void makeVeth(String device) {
            // Up from the start: the kernel takes no peer's name without making it, and both ends come in one step.
            Command.of("ip", "link", "add", device, "up", "type", "veth", "peer", "name", device + "p")
                    .run();
            Command.of("ip", "link", "set", device + "p", "up").run();
        }

        /** Returns when the switch has taken it over, and notes what ovs-vsctl says. */
        private void vsctl(String title, String... words) {
            Command.Result result = sw.vsctl(words).attempt();
            transcript.add(title, "exit status " + result.exitStatus() + "\n" + result.output() + result.errors());
        }

        private void note(String title, Object seen) {
            transcript.add(title, seen.toString());
        }

        private String value(String table, String record, String column) {
            return sw.vsctl("get", table, record, column).run().text();
        }

        private void get(String table, String record, String column) {
            note(record + " " + column, value(table, record, column));
        }

        /** Notes the column once it has the value; else what it has after a while, for the comparison to show. */
        private void await(String table, String record, String column, String expected) {
            awaitQuietly(() -> value(table, record, column).equals(expected));
            get(table, record, column);
        }

        private void awaitThat(String what, BooleanSupplier condition) {
            awaitQuietly(condition);
            note(what, condition.getAsBoolean());
        }

        private static void awaitQuietly(BooleanSupplier condition) {
            try {
                Await.until("", SOON, condition, () -> "");
            } catch (AssertionError e) {
                assertThat(condition.getAsBoolean()).isFalse(); // The transcripts tell more than this error.
            }
        }

        /** What does not depend on the run; status says which driver the device has. */
        private void interfaceRow(String name) {
            transcript.add(
                    "row of " + name,
                    sw.vsctl(
                                    "--columns=name,type,ofport,admin_state,link_state,error,mtu,link_speed,"
                                            + "duplex,status,mac_in_use",
                                    "list",
                                    "interface",
                                    name)
                            .run()
                            .text());
            String index = value("interface", name, "ifindex");
            note("ifindex", index.equals("[]") ? "none" : index.equals("0") ? "0" : "some");
        }

        private void show() {
            transcript.addSorted("ovs-vsctl show", sw.vsctl("show").run().lines());
        }

        private void openFlowPorts(String bridge) {
            List<String> kept = new ArrayList<>();
            boolean local = false;
            for (String line : sw.ofctl("show", bridge).run().lines()) {
                local = line.startsWith(" LOCAL") || local && line.startsWith("     ");
                // Open vSwitch also tells the medium, which it guesses for veth and TAP, and enqueue, for which there
                // are no
                // queues here.
                boolean differs = line.startsWith("     current:") || line.startsWith("actions:");
                if (!local && !differs) {
                    kept.add(line.replaceAll(" \\(xid=0x[0-9a-f]+\\)", ""));
                }
            }
            note("ovs-ofctl show", String.join("\n", kept));
        }

        private void flows(String title) {
            transcript.addSorted(
                    title, sw.ofctl("dump-flows", "--no-stats", br0).run().lines());
        }

        private String ownDatapathId() {
            String id = value("bridge", br0, "datapath_id").replace("\"", "");
            String mac = value("interface", br0, "mac_in_use").replaceAll("[\":]", "");
            return id.equals("0000" + mac) ? "yes" : "no: " + id + " but " + mac;
        }

        private static String ipLink(String device) {
            return Command.of("ip", "link", "show", device).run().text();
        }

        private void awaitDevice(String device, boolean there) {
            awaitThat(
                    device + " is there: " + there,
                    () -> Command.of("ip", "link", "show", device).attempt().succeeded() == there);
        }

        private long counter(Host host, String name) {
            return Long.parseLong(value("interface", host.device(), "statistics:" + name));
        }

        private static String ping(Host from, Host to) {
            return ping(from, to, 3);
        }

        private static String ping(Host from, Host to, int count) {
            return Arrays.stream(
                            from.command("ping", "-c", Integer.toString(count), "-i", "0.1", "-W", "1", to.address())
                                    .attempt()
                                    .output()
                                    .split("\n"))
                    .filter(line -> line.contains("packets transmitted"))
                    .findFirst()
                    .orElse("none")
                    .replaceAll(", time .*", "")
                    .replaceAll("\\+\\d+ errors, ", "");
        }
    }
}
