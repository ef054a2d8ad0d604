package io.turnstile.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A switch that is driven by Debian's ovs-vsctl, ovs-ofctl and ovs-appctl. */
public abstract class LabSwitch implements AutoCloseable {
    final SwitchTools tools;

    LabSwitch(SwitchTools tools) {
        this.tools = tools;
    }

    /** For people: {@code turnstile} or {@code ovs-vswitchd}. */
    public abstract String name();

    /** {@code ovs-vsctl …}: waits until the switch has taken the change over. */
    public final Command vsctl(String... words) {
        return tools.vsctl(words);
    }

    /** {@code ovs-ofctl COMMAND BRIDGE …}; the bridge is named as a person would name it. */
    public final Command ofctl(String... words) {
        return tools.ofctl(words);
    }

    /** {@code ovs-appctl …}. */
    public final Command appctl(String... words) {
        return tools.appctl(words);
    }

    /** Where the switch's sockets are, such as {@code br0.mgmt}. */
    public final Path runDirectory() {
        return tools.runDirectory();
    }

    /** Where {@link ControlConnection} reaches it. */
    public final Path controlSocket() {
        return tools.controlSocket();
    }

    /** The daemon that forwards, for its CPU time and its log. */
    public abstract Daemon daemon();

    /**
     * Makes bridge br0 with these flows alone, the inner host at port 1 and the outer one at port 2, and waits until
     * both links are up.
     */
    public final void connect(Host inside, Host outside, List<String> flows) throws IOException {
        vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
                .run();
        vsctl("add-port", "br0", inside.device(), "--", "set", "interface", inside.device(), "ofport_request=1")
                .run();
        vsctl("add-port", "br0", outside.device(), "--", "set", "interface", outside.device(), "ofport_request=2")
                .run();
        for (Host host : List.of(inside, outside)) {
            vsctl("--timeout=10", "wait-until", "interface", host.device(), "link_state=up")
                    .run();
        }
        Path file = Files.createTempFile("flows", ".txt");
        Files.write(file, flows);
        ofctl("add-flows", "br0", file.toString()).run();
        Files.delete(file);
    }

    @Override
    public abstract void close();
}
