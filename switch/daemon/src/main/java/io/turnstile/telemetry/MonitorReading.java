package io.turnstile.telemetry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Iterator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a reader of the monitor gets: lines that are made text one by one, as they are sent. The last one is
 * {@code {"next":N,"dropped":N}}: where to go on, and how many lines were overwritten before this reader came to them.
 * Those are told of by a line in their place, too.
 *
 * <p>Threads: any.
 */
public final class MonitorReading {
    private final EventRing.Slice slice;

    MonitorReading(EventRing.Slice slice) {
        this.slice = slice;
    }

    /** The lines, without line ends. */
    public Iterator<String> lines() {
        return stream().iterator();
    }

    private Stream<String> stream() {
        JsonNodeFactory json = JsonNodeFactory.instance;
        Stream<String> dropped = slice.dropped() > 0
                ? Stream.of(json.objectNode().put("dropped", slice.dropped()).toString())
                : Stream.empty();
        Stream<String> last = Stream.of(json.objectNode()
                .put("next", slice.next())
                .put("dropped", slice.dropped())
                .toString());
        return Stream.concat(Stream.concat(dropped, slice.lines().stream().map(MonitorLine::text)), last);
    }

    /** All lines, each with its line end. */
    String text() {
        return stream().collect(Collectors.joining("\n", "", "\n"));
    }
}
