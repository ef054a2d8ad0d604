package io.turnstile.demo;

import io.turnstile.embedded.EmbeddedSwitch;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.time.Duration;

/** The story without root: made-up packets, time by hand, the same flows and the same provider. */
final class EmbeddedDemo {
    private final Tally tally;

    EmbeddedDemo(Tally tally) {
        this.tally = tally;
    }

    void run() {
        try (EmbeddedSwitch sw = EmbeddedSwitch.withPorts(Firewall.INSIDE, Firewall.OUTSIDE)) {
            sw.deleteFlows();
            for (String flow : Firewall.FLOWS) {
                System.out.println("  ovs-ofctl add-flow br0 '" + flow + "'");
                sw.flows(flow);
            }
            sw.hwOffload(true);
            System.out.println("== A connection from inside, answered");
            exchange(sw, 40_000);
            System.out.println("== A connection from outside");
            sw.receive(Firewall.OUTSIDE, Frames.udp("10.0.0.2:53 > 10.0.0.1:99"));
            expect(sw.takeSent(Firewall.INSIDE).isEmpty(), "outside reached inside through the firewall");
            System.out.println("  refused");
            System.out.println("== A connection to FTP's control port, whose payload software has to read");
            sw.receive(
                    Firewall.INSIDE, Frames.tcp("10.0.0.1:40002 > 10.0.0.2:21").syn());
            expect(sw.takeSent(Firewall.OUTSIDE).size() == 1, "the SYN from inside did not come out");
            System.out.println("== The connection table, with the state at each provider");
            sw.dumpConnectionsWithOffload().forEach(line -> System.out.println("  " + line));
            expect(
                    sw.dumpConnectionsWithOffload().toString().contains("declined(alg control connection)"),
                    "it is not said that the provider must not have the control connection");
            System.out.println("== Two minutes pass: the provider is asked, then the connection expires");
            sw.advance(Duration.ofMinutes(2));
            collect(sw);
            expect(sw.conntrack().connectionCount() == 0, "expired connections are still in the table");
            System.out.println("== A new connection, then hw-offload=false while it lives");
            exchange(sw, 40_001);
            sw.hwOffload(false);
            collect(sw);
        }
    }

    private void exchange(EmbeddedSwitch sw, int port) {
        Frame question = Frames.udp("10.0.0.1:" + port + " > 10.0.0.2:53");
        sw.receive(Firewall.INSIDE, question);
        expect(sw.takeSent(Firewall.OUTSIDE).size() == 1, "the packet from inside did not come out");
        sw.receive(Firewall.OUTSIDE, question.reply());
        expect(sw.takeSent(Firewall.INSIDE).size() == 1, "the answer did not come back");
        collect(sw);
    }

    private void collect(EmbeddedSwitch sw) {
        sw.offload().takeEventObjects().forEach(tally::count);
    }

    private static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }
}
