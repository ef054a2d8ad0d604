package io.turnstile.offload;

import io.turnstile.conntrack.ConnectionSnapshot;
import java.util.StringJoiner;

/**
 * Connections with their states at every provider, a line each, in pieces: a walk of the tracker's table, of which
 * whoever reads it takes as much at a time as he has room for.
 *
 * <p>Threads: one.
 */
public final class ConnectionLines {
    private static final int SLOTS_OF_PIECE = 4096;
    private static final int SLOTS_AT_ONCE = 64;

    private final OffloadDispatcher dispatcher;
    private final DispatcherContext context;
    private final ConnViewReader reader;
    private String head;
    private long cursor;

    ConnectionLines(OffloadDispatcher dispatcher, DispatcherContext context, String head) {
        this.dispatcher = dispatcher;
        this.context = context;
        this.head = dispatcher.isEnabled() ? head + "connections:\n" : head;
        cursor = dispatcher.isEnabled() ? 0 : -1;
        reader = new ConnViewReader(context.tracker(), context.ports());
    }

    /**
     * Appends the next piece.
     *
     * @param enough so many characters, or a few more
     * @return whether there are more
     */
    public boolean next(StringBuilder out, int enough) {
        int begin = out.length();
        out.append(head);
        head = "";
        long nowNs = context.clock().nowNs();
        for (int slots = 0; cursor >= 0 && slots < SLOTS_OF_PIECE && out.length() - begin < enough; ) {
            cursor = context.tracker().scan(cursor, SLOTS_AT_ONCE, connection -> append(connection, out, nowNs), nowNs);
            slots += SLOTS_AT_ONCE;
        }
        return cursor >= 0;
    }

    private void append(ConnectionSnapshot connection, StringBuilder out, long nowNs) {
        if (reader.read(connection.connectionId, nowNs)) {
            StringJoiner states = new StringJoiner(" ");
            dispatcher.offloadStates(connection.connectionId).forEach(state -> states.add(state.toString()));
            out.append("  ").append(reader.view()).append(' ').append(states).append('\n');
        }
    }
}
