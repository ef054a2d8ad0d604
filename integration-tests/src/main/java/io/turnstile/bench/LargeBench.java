package io.turnstile.bench;

import io.turnstile.bench.soak.Large;
import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Whole processes that are made to hold much: who waits meanwhile, and for how long. */
@CommandLine.Command(
        name = "large",
        description = "flows and connections by the million, loaded, dumped and removed by Open vSwitch's tools; a"
                + " trickle of packets and clients' echoes show who waits meanwhile")
public final class LargeBench implements Callable<Integer> {
    @Option(names = "--flows", defaultValue = "1000000", description = "OpenFlow flows (default: ${DEFAULT-VALUE})")
    private int flows;

    @Option(names = "--connections", defaultValue = "3000000", description = "connections (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(names = "--peer", description = "the same with ovs-vswitchd afterwards")
    private boolean peer;

    @Override
    public Integer call() throws Exception {
        if (!Lab.isPossible("turnstile bench large")) {
            return 1;
        }
        Large large = new Large(flows, connections);
        large.run(lab -> Turnstile.start(lab, "--max-connections=" + connections));
        if (peer) {
            large.run(OpenVswitch::start);
        }
        return 0;
    }
}
