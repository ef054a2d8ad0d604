package io.turnstile.lab;

import java.nio.file.Path;

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

    @Override
    public abstract void close();
}
