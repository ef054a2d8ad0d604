package io.turnstile.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One host of a lab.
 *
 * @param namespace its network namespace
 * @param device the switch's end of its veth pair; the host's own end is {@code eth0}
 * @param address its address, without prefix length
 */
public record Host(Lab lab, String namespace, String device, String address) {

    /** Runs a program on the host; must succeed. */
    public Command.Result run(String... words) {
        return command(words).run();
    }

    public Command command(String... words) {
        return Command.of(inside(List.of(words)));
    }

    /** Starts a program on the host that runs until the lab ends or it is closed. */
    public Daemon start(List<String> words) {
        return lab.start(inside(words), Map.of());
    }

    /** Makes the host send whole, checksummed packets of at most the MTU, as a wire would carry them. */
    public void transmitOffloadOff() {
        run("ethtool", "-K", "eth0", "tx", "off");
    }

    private List<String> inside(List<String> words) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        all.addAll(words);
        return all;
    }
}
