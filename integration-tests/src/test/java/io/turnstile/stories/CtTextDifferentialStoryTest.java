package io.turnstile.stories;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Flows with {@code ct()} and {@code nat()} as ovs-ofctl sends them: taken or refused, listed, and traced down to the
 * datapath's actions, as by ovs-vswitchd.
 */
@Tag("system")
class CtTextDifferentialStoryTest {
    /** Ports that are not there, one for each flow, so that each can be met alone. */
    private static final int FIRST_PORT = 100;

    private static final String IPV4 = ",nw_src=10.1.0.1,nw_dst=10.1.0.2,nw_ttl=64";
    private static final String IPV6 = ",ipv6_src=fc00::5,ipv6_dst=fc00::6,nw_ttl=64";
    private static List<String> flows;
    private static Differential both;

    @BeforeAll
    static void start() throws IOException {
        try (var in = CtTextDifferentialStoryTest.class.getResourceAsStream("ct-flows.txt")) {
            flows = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        }
        both = Differential.start("cttext");
        both.bridge("br0", 2);
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow13", "OpenFlow15"})
    void flowsAreTakenListedAndTracedAlike(String protocol) {
        both.ofctl("del-flows br0");
        for (int i = 0; i < flows.size(); i++) {
            both.ofctl("-O " + protocol + " add-flow br0 'in_port=" + (FIRST_PORT + i) + "," + flows.get(i) + "'");
        }
        for (String listed : List.of("OpenFlow10", "OpenFlow13", "OpenFlow15")) {
            both.ofctlSorted("-O " + listed + " --no-stats dump-flows br0");
        }
        // Which numbers recirculations get is the switch's own matter, and so is what it looked at to find no flow.
        both.ignore(text -> (text.contains("No match.") ? text.replaceAll("Megaflow: .*", "") : text)
                .replaceAll("recirc\\(0x[0-9a-f]+\\)", "recirc(ID)")
                .replaceAll("recirc_id=0x[0-9a-f]+", "recirc_id=ID"));
        for (int i = 0; i < flows.size(); i++) {
            both.appctl("ofproto/trace br0 in_port=" + (FIRST_PORT + i) + "," + packet(flows.get(i))
                    + " --ct-next trk,est,snat");
        }
        both.assertSame();
    }

    /** One that the flow's match lets in, but for what it says of connections. */
    private static String packet(String flow) {
        return switch (flow.split(",", 2)[0]) {
            case "ipv6", "tcp6" -> "tcp6" + IPV6 + ",tcp_src=1000,tcp_dst=21";
            case "udp" -> "udp" + IPV4 + ",udp_src=1000,udp_dst=69";
            case "icmp" -> "icmp" + IPV4;
            case "arp" -> "arp";
            default -> "tcp" + IPV4 + ",tcp_src=1000,tcp_dst=21";
        };
    }
}
