package io.turnstile.demo;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.spi.OffloadResult;
import java.util.EnumMap;
import java.util.Map;

/** The tally counts what the provider was told and prints each event as it comes. Threads: any. */
final class Tally {
    private final Map<OffloadEvent.Kind, Integer> counts = new EnumMap<>(OffloadEvent.Kind.class);

    synchronized void count(OffloadEvent event) {
        if (!(event.result() instanceof OffloadResult.Failed)) {
            counts.merge(event.kind(), 1, Integer::sum);
        }
        System.out.println("    event: " + event);
    }

    synchronized int of(OffloadEvent.Kind kind) {
        return counts.getOrDefault(kind, 0);
    }

    /**
     * Every kind of event of a connection's life has been seen, and whatever was added has been taken back, some of it
     * at once.
     */
    synchronized void check() {
        for (OffloadEvent.Kind kind : OffloadEvent.Kind.values()) {
            if (kind != OffloadEvent.Kind.FLUSH && !kind.isOfPaths() && of(kind) == 0) {
                throw new AssertionError("no " + kind + " event was seen");
            }
        }
        if (of(OffloadEvent.Kind.ADD) != of(OffloadEvent.Kind.DELETE)) {
            throw new AssertionError("added and deleted differ");
        }
    }

    @Override
    public synchronized String toString() {
        return "added=%d established=%d updated=%d deleted=%d"
                .formatted(
                        of(OffloadEvent.Kind.ADD),
                        of(OffloadEvent.Kind.ESTABLISHED),
                        of(OffloadEvent.Kind.UPDATE),
                        of(OffloadEvent.Kind.DELETE));
    }
}
