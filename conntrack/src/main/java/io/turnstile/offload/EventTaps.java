package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadResult;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Those who watch events. Threads: any. */
final class EventTaps {
    private static final Logger LOG = LoggerFactory.getLogger(EventTaps.class);

    private final List<Consumer<OffloadEvent>> taps = new CopyOnWriteArrayList<>();

    void add(Consumer<OffloadEvent> tap) {
        taps.add(tap);
    }

    void remove(Consumer<OffloadEvent> tap) {
        taps.remove(tap);
    }

    boolean isEmpty() {
        return taps.isEmpty();
    }

    /** Tells all; one that throws is taken off, with a line saying so. */
    void tell(OffloadEvent event) {
        OffloadEvent kept = withoutThrowable(event);
        for (Consumer<OffloadEvent> tap : taps) {
            tell(tap, kept);
        }
    }

    /** Who watches keeps thousands of events, and a throwable can hold on to anything; its words are the reason. */
    private static OffloadEvent withoutThrowable(OffloadEvent event) {
        return event.result() instanceof OffloadResult.Failed failed && failed.cause() != null
                ? new OffloadEvent(
                        event.provider(),
                        event.operation(),
                        new OffloadResult.Failed(failed.reason(), null),
                        event.wallMs())
                : event;
    }

    private void tell(Consumer<OffloadEvent> tap, OffloadEvent event) {
        try {
            tap.accept(event);
        } catch (RuntimeException e) {
            remove(tap);
            LOG.warn("an offload event tap failed and was taken off: {}", e.toString());
        }
    }
}
