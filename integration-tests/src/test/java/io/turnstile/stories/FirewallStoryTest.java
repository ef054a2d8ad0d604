package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.Host;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The same script, driven by nothing but Debian's ovs-vsctl, ovs-ofctl, ovs-appctl, ping and curl, against Turnstile
 * and against ovs-vswitchd: inside may open connections to outside, outside may not.
 */
@Tag("system")
class FirewallStoryTest {
    private static final List<String> FLOWS = List.of(
            "table=0,priority=100,arp,actions=NORMAL",
            "table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1,zone=7)",
            "table=0,priority=0,actions=drop",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=7,exec(set_field:0x5->ct_mark)),2",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+est,actions=2",
            "table=1,priority=100,ip,in_port=2,ct_state=+trk+est+rpl,ct_mark=0x5,actions=1",
            "table=1,priority=0,actions=drop");

    @Test
    void turnstileAndOpenVswitchLeaveTheSameTranscript() throws Exception {
        String ours = play(Turnstile::start);
        String theirs = play(OpenVswitch::start);
        assertThat(ours).isEqualTo(theirs);
    }

    private static String play(Function<Lab, LabSwitch> starter) throws Exception {
        try (Lab lab = new Lab("fw")) {
            Host inside = lab.host("in", "10.1.0.1/24");
            Host outside = lab.host("out", "10.1.0.2/24");
            inside.transmitOffloadOff();
            outside.transmitOffloadOff();
            Transcript transcript = new Transcript(inside, outside);
            try (LabSwitch sw = starter.apply(lab)) {
                sw.connect(inside, outside, FLOWS);
                lookAround(sw, transcript);
                carryTraffic(lab, sw, inside, outside, transcript);
                takeApart(sw, inside, transcript);
            }
            return transcript.toString();
        }
    }

    private static void lookAround(LabSwitch sw, Transcript transcript) {
        transcript.addSorted("ovs-vsctl show", sw.vsctl("show").run().lines());
        transcript.add(
                "a missing device",
                sw.vsctl("add-port", "br0", "no-such-dev").attempt().errors());
        transcript.addSorted(
                "ovs-vsctl show, with a missing device", sw.vsctl("show").run().lines());
        sw.vsctl("del-port", "br0", "no-such-dev").run();
        // The bridge's own device comes up, or not, before or after Open vSwitch looks: left out.
        transcript.addSorted(
                "interfaces",
                sw.vsctl(
                                "--columns=ofport,admin_state,link_state,error,type,mtu",
                                "--format=csv",
                                "--no-headings",
                                "find",
                                "interface",
                                "type!=internal")
                        .run()
                        .lines());
        transcript.addSorted(
                "flows", sw.ofctl("dump-flows", "--no-stats", "br0").run().lines());
        transcript.addSorted(
                "flows, OpenFlow 1.3",
                sw.ofctl("-O", "OpenFlow13", "dump-flows", "--no-stats", "br0")
                        .run()
                        .lines());
        transcript.add(
                "a bad flow",
                sw.ofctl("add-flow", "br0", "table=1,actions=output:70000")
                        .attempt()
                        .errors());
    }

    private static void carryTraffic(Lab lab, LabSwitch sw, Host inside, Host outside, Transcript transcript)
            throws Exception {
        Path pages = lab.folder().resolve("pages");
        Files.createDirectories(pages);
        Files.writeString(pages.resolve("hello.txt"), "hello through the firewall\n");
        try (Daemon web = serve(outside, pages);
                Daemon secret = serve(inside, pages)) {
            awaitListening(outside, web);
            awaitListening(inside, secret);
            transcript.add(
                    "curl inside to outside", fetch(inside, outside).run().text());
            transcript.add(
                    "curl outside to inside",
                    "exit status " + fetch(outside, inside).attempt().exitStatus());
        }
        transcript.add(
                "ping inside to outside",
                summary(inside.command("ping", "-c", "3", "-i", "0.2", "-W", "1", outside.address())
                        .attempt()));
        transcript.add(
                "ping outside to inside",
                summary(outside.command("ping", "-c", "2", "-i", "0.2", "-W", "1", inside.address())
                        .attempt()));
        transcript.addSorted(
                "connections", sw.appctl("dpctl/dump-conntrack").run().lines());
        transcript.addSorted(
                "connections, more of them",
                sw.appctl("dpctl/dump-conntrack", "-m").run().lines());
        transcript.addSorted(
                "connections of zone 7",
                sw.appctl("dpctl/dump-conntrack", "zone=7").run().lines());
        transcript.addSorted(
                "connections of zone 8",
                sw.appctl("dpctl/dump-conntrack", "zone=8").run().lines());
        transcript.add("flush", sw.appctl("dpctl/flush-conntrack").run().text());
        transcript.add(
                "connections after the flush",
                sw.appctl("dpctl/dump-conntrack").run().text());
        transcript.addSorted(
                "trace",
                sw
                        .appctl(
                                "ofproto/trace",
                                "br0",
                                "in_port=1,tcp,nw_src=10.1.0.1,nw_dst=10.1.0.2,tp_dst=80,"
                                        + "dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02")
                        .run()
                        .lines()
                        .stream()
                        .map(line -> line.replaceAll("0x[0-9a-f]+\\b", "0xN").replaceAll("\\),\\d+$", "),PORT"))
                        .toList());
        transcript.add(
                "an unknown command", sw.appctl("no/such-command").attempt().errors());
    }

    private static void takeApart(LabSwitch sw, Host inside, Transcript transcript) {
        sw.ofctl("del-flows", "br0", "table=1").run();
        transcript.addSorted(
                "flows after del-flows",
                sw.ofctl("dump-flows", "--no-stats", "br0").run().lines());
        sw.vsctl("del-port", "br0", inside.device()).run();
        transcript.add(
                "ports after del-port", sw.vsctl("list-ports", "br0").run().text());
        sw.vsctl("del-br", "br0").run();
        transcript.add("ovs-vsctl show after del-br", sw.vsctl("show").run().text());
    }

    private static Daemon serve(Host host, Path pages) {
        return host.start(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-m",
                "jdk.httpserver",
                "-b",
                host.address(),
                "-p",
                "8080",
                "-d",
                pages.toString()));
    }

    private static void awaitListening(Host host, Daemon server) {
        Await.until(
                "the web server listens",
                Duration.ofSeconds(20),
                () -> host.run("ss", "-Hltn", "sport", "=", ":8080").output().contains(":8080"),
                server::output);
    }

    private static Command fetch(Host from, Host to) {
        return from.command(
                "curl",
                "--silent",
                "--show-error",
                "--connect-timeout",
                "2",
                "--max-time",
                "10",
                "http://" + to.address() + ":8080/hello.txt");
    }

    private static String summary(Command.Result ping) {
        return ping.lines().stream()
                .filter(line -> line.contains("packets transmitted"))
                .findFirst()
                .orElseThrow()
                .replaceAll(", time .*", "");
    }
}
