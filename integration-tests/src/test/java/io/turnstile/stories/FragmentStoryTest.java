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
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * ping -s 5000, which comes in fragments, through a stateful firewall, in both families and both directions: inside may
 * ask outside and is answered, outside may not ask. Turnstile and ovs-vswitchd play the same script.
 */
@Tag("system")
class FragmentStoryTest {
    private static final List<String> FLOWS = List.of(
            "table=0,priority=100,arp,actions=NORMAL",
            "table=0,priority=100,icmp6,icmp_type=135,actions=NORMAL",
            "table=0,priority=100,icmp6,icmp_type=136,actions=NORMAL",
            "table=0,priority=90,ip,ct_state=-trk,actions=ct(table=1,zone=7)",
            "table=0,priority=90,ipv6,ct_state=-trk,actions=ct(table=1,zone=7)",
            "table=0,priority=0,actions=drop",
            "table=1,priority=100,in_port=1,ip,ct_state=+trk+new,actions=ct(commit,zone=7),2",
            "table=1,priority=100,in_port=1,ipv6,ct_state=+trk+new,actions=ct(commit,zone=7),2",
            "table=1,priority=100,in_port=1,ip,ct_state=+trk+est,actions=2",
            "table=1,priority=100,in_port=1,ipv6,ct_state=+trk+est,actions=2",
            "table=1,priority=100,in_port=2,ip,ct_state=+trk+est+rpl,actions=1",
            "table=1,priority=100,in_port=2,ipv6,ct_state=+trk+est+rpl,actions=1",
            "table=1,priority=0,actions=drop");
    private static final Pattern COUNTED = Pattern.compile("v([46]) frags (accepted|completed): (\\d+)");

    @Test
    void turnstileAndOpenVswitchLeaveTheSameTranscript() throws Exception {
        String ours = play(Turnstile::start);
        String theirs = play(OpenVswitch::start);
        assertThat(ours)
                .contains("3 packets transmitted, 3 received, 0% packet loss")
                .isEqualTo(theirs);
    }

    private static String play(Function<Lab, LabSwitch> starter) throws Exception {
        try (Lab lab = new Lab("frag")) {
            Host inside = lab.host("in", "10.1.0.1/24");
            Host outside = lab.host("out", "10.1.0.2/24");
            speakIpv6(inside, "fd00::1/64");
            speakIpv6(outside, "fd00::2/64");
            Transcript transcript = new Transcript(inside, outside);
            try (LabSwitch sw = starter.apply(lab)) {
                configure(sw, inside, outside);
                transcript.add("in to out, IPv4", ping(inside, "10.1.0.2", 3));
                transcript.add("in to out, IPv6", ping(inside, "fd00::2", 3));
                transcript.addSorted(
                        "connections", sw.appctl("dpctl/dump-conntrack").run().lines());
                transcript.add("out to in, IPv4", ping(outside, "10.1.0.1", 2));
                transcript.add("out to in, IPv6", ping(outside, "fd00::1", 2));
                transcript.add("counters", counters(sw));
                sw.appctl("dpctl/ipf-set-disabled", "v4").run();
                transcript.add("in to out, IPv4, switched off", ping(inside, "10.1.0.2", 2));
                transcript.add("in to out, IPv6, left on", ping(inside, "fd00::2", 2));
            }
            return transcript.toString();
        }
    }

    private static void speakIpv6(Host host, String addressWithPrefix) {
        host.transmitOffloadOff();
        host.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0", "net.ipv6.conf.eth0.router_solicitations=0");
        host.run("ip", "-6", "address", "add", addressWithPrefix, "dev", "eth0", "nodad");
    }

    private static void configure(LabSwitch sw, Host inside, Host outside) throws Exception {
        sw.connect(inside, outside, FLOWS);
        Await.until(
                "the hosts know each other",
                Duration.ofSeconds(10),
                () -> inside.command("ping", "-c", "1", "-W", "1", outside.address())
                                .attempt()
                                .succeeded()
                        && inside.command("ping", "-c", "1", "-W", "1", "fd00::2")
                                .attempt()
                                .succeeded(),
                () -> sw.ofctl("dump-flows", "br0").run().output());
        sw.appctl("dpctl/flush-conntrack").run();
    }

    private static String ping(Host from, String to, int count) {
        Command.Result ping = from.command(
                        "ping", "-s", "5000", "-c", Integer.toString(count), "-i", "0.2", "-W", "1", to)
                .attempt();
        return ping.lines().stream()
                .filter(line -> line.contains("packets transmitted"))
                .findFirst()
                .orElseThrow()
                .replaceAll(", time .*", "");
    }

    private static String counters(LabSwitch sw) {
        return String.join(
                "\n",
                COUNTED.matcher(sw.appctl("dpctl/ipf-get-status").run().output())
                        .results()
                        .map(found -> found.group())
                        .toList());
    }
}
