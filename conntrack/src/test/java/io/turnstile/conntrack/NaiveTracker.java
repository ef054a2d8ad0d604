package io.turnstile.conntrack;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What the tracker does with UDP, said as plainly as possible: connections in a map by the tuple of either direction,
 * nothing in parallel, nothing put off. Of an expired connection it knows, as the tracker does, that it takes up room
 * until it is swept or somebody wants its place.
 *
 * <p>Threads: one.
 */
final class NaiveTracker {

    /** One direction's tuple; a host is a number below 2^16 in a network of the family. */
    record Tuple(int zone, boolean ipv6, int source, int sourcePort, int destination, int destinationPort) {
        Tuple turned() {
            return new Tuple(zone, ipv6, destination, destinationPort, source, sourcePort);
        }
    }

    /** A connection. */
    static final class Connection {
        final Tuple original;
        Tuple reply;
        boolean source;
        boolean destination;
        long id;
        long deadlineNs;
        Timeout timeout = Timeout.UDP_FIRST;
        int policy;
        boolean answered;
        int mark;
        long labelHigh;
        long labelLow;
        /** How many carry it. */
        int holds;
        /** They were asked about the deadline, which has passed. */
        boolean asked;
        /** The listener knows that it is established. */
        boolean reported;

        int originalPort;
        int replyPort = -1;
        boolean portGone;

        Connection(Tuple original) {
            this.original = original;
            this.reply = original.turned();
        }

        boolean isTranslated() {
            return source || destination;
        }
    }

    /** What a packet found: its connection, and whether it goes the reply way. */
    record Finding(Connection connection, boolean reply) {}

    private final Map<Tuple, Connection> byOriginal = new HashMap<>();
    private final Map<Tuple, Connection> byReply = new HashMap<>();
    private final Map<Integer, Integer> zoneCounts = new HashMap<>();
    final TimeoutPolicy[] policies = {TimeoutPolicy.DEFAULT, TimeoutPolicy.DEFAULT};

    int count() {
        return byOriginal.size();
    }

    int count(int zone) {
        return zoneCounts.getOrDefault(zone, 0);
    }

    List<Connection> all() {
        return new ArrayList<>(byOriginal.values());
    }

    /** Whoever has the tuple, expired or not; null if nobody has. */
    Finding holder(Tuple tuple) {
        Connection there = byOriginal.get(tuple);
        if (there != null) {
            return new Finding(there, false);
        }
        Connection back = byReply.get(tuple);
        return back == null ? null : new Finding(back, true);
    }

    /** As {@link #holder}, but a connection whose time is over, and which nobody carries, is not found. */
    Finding find(Tuple tuple, long nowNs) {
        Finding holder = holder(tuple);
        return holder == null || isOver(holder.connection, nowNs) ? null : holder;
    }

    static boolean isOver(Connection connection, long nowNs) {
        return isPast(connection, nowNs) && connection.holds == 0;
    }

    static boolean isPast(Connection connection, long nowNs) {
        return connection.deadlineNs - nowNs <= 0;
    }

    void add(Connection connection, long nowNs) {
        connection.deadlineNs = nowNs + ns(connection, Timeout.UDP_FIRST);
        byOriginal.put(connection.original, connection);
        byReply.put(connection.reply, connection);
        zoneCounts.merge(connection.original.zone, 1, Integer::sum);
    }

    void remove(Connection connection) {
        byOriginal.remove(connection.original);
        byReply.remove(connection.reply);
        zoneCounts.merge(connection.original.zone, -1, Integer::sum);
    }

    List<Connection> removeIf(Predicate<Connection> condition) {
        List<Connection> chosen = all().stream().filter(condition).toList();
        chosen.forEach(this::remove);
        return chosen;
    }

    /** A packet of the connection. */
    void follow(Finding finding, long nowNs) {
        Connection connection = finding.connection;
        connection.answered |= finding.reply;
        Timeout timeout = connection.answered ? Timeout.UDP_MULTIPLE : Timeout.UDP_SINGLE;
        long deadline = nowNs + ns(connection, timeout);
        boolean staysLonger = connection.deadlineNs - deadline > 0
                && connection.deadlineNs - deadline < ConnectionTable.CLOCK_DIFFERENCE_NS
                && ns(connection, timeout) >= ns(connection, connection.timeout);
        if (!staysLonger) {
            connection.deadlineNs = deadline;
            connection.timeout = timeout;
            connection.asked = false;
        }
    }

    /** A packet came in by that port; returns whether the listener is to hear of it. */
    static boolean followPort(Connection connection, boolean reply, boolean first, int inPort, long deadlineBefore) {
        if (reply && first) {
            connection.replyPort = inPort;
            return false;
        }
        boolean news = inPort != (reply ? connection.replyPort : connection.originalPort);
        boolean newSecond =
                deadlineBefore >> ConnectionTable.SECOND_SHIFT != connection.deadlineNs >> ConnectionTable.SECOND_SHIFT;
        if (!news || !connection.portGone && (connection.holds == 0 || !newSecond)) {
            return false;
        }
        if (reply) {
            connection.replyPort = inPort;
        } else {
            connection.originalPort = inPort;
        }
        if (connection.originalPort != -1 && (connection.replyPort != -1 || !connection.answered)) {
            connection.portGone = false;
        }
        return true;
    }

    /** The port has gone; returns whether the listener is to hear of it. */
    static boolean forgetPort(Connection connection, int port) {
        boolean forgotten = connection.originalPort == port || connection.replyPort == port;
        connection.originalPort = connection.originalPort == port ? -1 : connection.originalPort;
        connection.replyPort = connection.replyPort == port ? -1 : connection.replyPort;
        connection.portGone |= forgotten;
        return forgotten && connection.holds > 0;
    }

    /** Somebody knows of a later use. */
    void extend(Connection connection, long lastUsedNs) {
        long deadline = lastUsedNs + ns(connection, connection.timeout);
        if (deadline - connection.deadlineNs > 0) {
            connection.deadlineNs = deadline;
            connection.asked = false;
        }
    }

    private long ns(Connection connection, Timeout timeout) {
        return policies[connection.policy].ns(timeout);
    }
}
