package io.turnstile.embedded.model;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A switch of the model with its ports, as the script of {@link PathsModel} drives it. Threads: one. */
public interface ModelWorld {

    // ---- packets ----

    /** The frame comes in by the port; returns what has left by each port when all that comes of it has. */
    Map<ModelPort, List<byte[]>> send(ModelPort port, byte[] frame);

    // ---- flows; when these return a barrier has been answered ----

    /** @param lines as {@code ovs-ofctl add-flows} takes them */
    void addFlows(int bridge, List<String> lines);

    /** @param line as {@code ovs-ofctl mod-flows} takes it */
    void modifyFlows(int bridge, String line);

    /** @param match as {@code ovs-ofctl del-flows} takes it */
    void deleteFlows(int bridge, String match);

    // ---- ports ----

    void removePort(ModelPort port);

    void addPort(ModelPort port);

    /** Bits of OFPPC_* that the script may set. */
    List<Integer> configurations();

    /** OFPT_PORT_MOD. */
    void configurePort(ModelPort port, int config, int mask);

    void setMtu(ModelPort port, int mtuBytes);

    // ---- connections ----

    void flushConnections();

    void flushConnections(int zone);

    /** UDP connections of the zone that are committed from now on live so long. */
    void setUdpTimeout(int zone, int seconds);

    // ---- the rest ----

    /** {@code other_config:hw-offload}; a world without carrying does nothing. */
    void setOffload(boolean on);

    /** Whether time passes only when it is told to, so that what times out does so in both worlds at once. */
    boolean hasClockByHand();

    /** Does nothing if it has no clock by hand. */
    void advance(Duration time);

    /** Whether some connection is at its deadline: one that is carried leaves a round of housekeeping later. */
    boolean isAboutToExpire();

    /** All counters as lines, in an order of their own: rules, ports, connections … */
    List<String> counters();

    /** How long counters may take to tell of everything. */
    Duration patience();
}
