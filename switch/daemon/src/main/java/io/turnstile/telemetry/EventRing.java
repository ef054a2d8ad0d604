package io.turnstile.telemetry;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.ConnView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The last lines that happened, numbered from 1 on without a gap. An event that repeats the one before it of the same
 * connection at the same provider, in kind and in how it ended, makes no line of its own as long as nobody has read
 * that one: it is counted there and its details replace the older ones.
 *
 * <p>Threads: any.
 */
final class EventRing {
    private final @Nullable MonitorLine[] lines; // guarded by this, as is all below
    /** Lines that nobody has read yet, to which a further event of the same place may be added. */
    private final Map<Place, MonitorLine> unread = new HashMap<>();

    private long first = 1;
    private long next = 1;
    private long readUpTo;

    /** The provider and the connection of an event; the latter is 0 for a flush. */
    private record Place(String provider, long connectionId) {}

    /**
     * @param lines in order; they do not change any more
     * @param next what the reader has seen: number of the last line, or of the last before those that are to come
     * @param dropped lines that were overwritten before this reader came to them
     */
    record Slice(List<MonitorLine> lines, long next, long dropped) {}

    EventRing(int capacity) {
        lines = new MonitorLine[capacity];
    }

    synchronized void add(OffloadEvent event, long wallMs) {
        ConnView connection = event.connection();
        Place place = new Place(event.provider(), connection == null ? 0 : connection.id());
        MonitorLine last = unread.get(place);
        if (last != null && last.sequence() > readUpTo && last.isRepeatedBy(event)) {
            last.repeat(event, wallMs);
            return;
        }
        MonitorLine line = MonitorLine.of(next, event, wallMs);
        append(line);
        unread.put(place, line);
    }

    /** Adds a line that concerns no connection: see {@link MonitorLine#note}. */
    synchronized void addNote(String kind, @Nullable String provider, @Nullable String state, long wallMs) {
        append(MonitorLine.note(next, kind, provider, state, wallMs));
    }

    private void append(MonitorLine line) {
        int index = (int) (next++ % lines.length);
        MonitorLine overwritten = lines[index];
        lines[index] = line;
        OffloadEvent event = overwritten == null ? null : overwritten.event();
        if (event != null) {
            ConnView connection = event.connection();
            unread.remove(new Place(event.provider(), connection == null ? 0 : connection.id()), overwritten);
        }
    }

    /** The number of the newest line; 0 if there was none ever. */
    synchronized long last() {
        return next - 1;
    }

    /** The number of the oldest line that is here, or of the next one. */
    private long oldest() {
        return Math.max(first, next - lines.length);
    }

    /**
     * The lines after number {@code since}, the oldest first. A number from the future comes from before the switch was
     * restarted: its reader gets all there is.
     */
    synchronized Slice read(long since, int limit) {
        long seen = since < next ? since : first - 1;
        long from = Math.max(seen + 1, oldest());
        long until = Math.min(next, from + limit);
        List<MonitorLine> read = new ArrayList<>((int) (until - from));
        for (long sequence = from; sequence < until; sequence++) {
            read.add(lines[(int) (sequence % lines.length)]);
        }
        readUpTo = Math.max(readUpTo, until - 1);
        if (readUpTo == next - 1) {
            unread.clear();
        }
        return new Slice(read, until - 1, from - seen - 1);
    }

    /** All lines that are here, as if nobody had ever missed one. */
    synchronized Slice readAll(int limit) {
        return read(first - 1, limit);
    }

    /** Forgets all lines; numbers go on. */
    synchronized void clear() {
        Arrays.fill(lines, null);
        unread.clear();
        first = next;
    }
}
