package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/** A client in the same thread: gets each message whole, and says itself whether it is behind. */
final class LocalPeer implements Peer {
    /** Far more than what a test needs. */
    static final ServerLimits LIMITS = ServerLimits.ofHeap(1 << 30);

    private final Consumer<JsonNode> out;
    private final Map<ClientBudget.Held, Long> charges = new EnumMap<>(ClientBudget.Held.class);
    private boolean behind;
    private RowsHeld lastRows = RowsHeld.NONE;

    LocalPeer(Consumer<JsonNode> out) {
        this.out = out;
    }

    /** A session of a client that hands on what it gets. */
    static OvsdbSession session(Map<String, Database> databases, Locks locks, Consumer<JsonNode> out) {
        return new OvsdbSession(databases, locks, new UUID(1, 1), LIMITS, new LocalPeer(out));
    }

    void setBehind(boolean behind) {
        this.behind = behind;
    }

    /** What the last message is made of. */
    RowsHeld lastRows() {
        return lastRows;
    }

    long charged(ClientBudget.Held what) {
        return charges.getOrDefault(what, 0L);
    }

    @Override
    public void send(JsonNode json, RowsHeld rows) {
        lastRows = rows;
        out.accept(whole(json));
    }

    @Override
    public boolean isBehind() {
        return behind;
    }

    @Override
    public void charge(ClientBudget.Held what, long bytes) {
        charges.merge(what, bytes, Long::sum);
    }

    /** The message as whoever reads its text sees it. */
    static JsonNode whole(JsonNode message) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonTextWriter writer = new JsonTextWriter(message, text);
        try {
            assertWritten(writer.write(Integer.MAX_VALUE));
            return OvsdbJson.MAPPER.readTree(text.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void assertWritten(boolean whole) {
        if (!whole) {
            throw new AssertionError("not whole");
        }
    }
}
