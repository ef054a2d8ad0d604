package io.turnstile.lab;

/** A switch that is driven by Debian's ovs-vsctl, ovs-ofctl and ovs-appctl. */
public interface LabSwitch extends AutoCloseable {

    /** For people: {@code turnstile} or {@code ovs-vswitchd}. */
    String name();

    /** {@code ovs-vsctl …}: waits until the switch has taken the change over. */
    Command vsctl(String... words);

    /** {@code ovs-ofctl COMMAND BRIDGE …}; the bridge is named as a person would name it. */
    Command ofctl(String... words);

    /** {@code ovs-appctl …}. */
    Command appctl(String... words);

    /** The daemon that forwards, for its CPU time and its log. */
    Daemon daemon();

    @Override
    void close();
}
