package io.turnstile.telemetry;

import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.OffloadEvent;
import io.turnstile.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What offload providers are told and answer, and how they stand, as JSON lines: {@code conntrack/offload-monitor}.
 * Begins to listen when somebody asks for the first time and ends when nobody has asked for a while; until then it
 * costs nothing.
 *
 * <p>Threads: any. Providers' threads only note their events in a bounded ring; the rest is done by a thread of its
 * own, which is there while there is something to do.
 */
public final class OffloadMonitor implements AutoCloseable {
    /** How many lines are kept. */
    public static final int CAPACITY = 8192;

    private static final long IDLE_NS = TimeUnit.MINUTES.toNanos(1);
    private static final long TICK_MS = 200;
    /** How long the first event that somebody waits for is held back, so that what comes with it goes along. */
    private static final long GATHER_MS = 5;

    private static final long THREAD_KEPT_SECONDS = 5;

    private final OffloadDispatcher dispatcher;
    private final Clock clock;
    private final long idleNs;
    private final EventRing ring;
    private final Consumer<OffloadEvent> tap = this::note;
    private final ScheduledThreadPoolExecutor thread;
    private final LongAdder lostLines = new LongAdder();
    private final AtomicBoolean wakeQueued = new AtomicBoolean();
    private volatile boolean someWait;

    // The monitor's thread only.
    private final List<Reader> waiting = new ArrayList<>();
    private final Map<String, String> providerStates = new LinkedHashMap<>();
    /** The regular look at the providers; null while nothing is listened to. */
    private @Nullable ScheduledFuture<?> ticking;

    private long askedNs;

    /**
     * What somebody wants to read.
     *
     * @param from where to begin
     * @param limit at most so many lines
     * @param waitMs how long to wait for the first line if there is none; 0: not at all
     */
    public record Request(From from, int limit, long waitMs) {}

    /** Where to begin. */
    public sealed interface From permits From.Oldest, From.Now, From.After {
        /** With all lines that are kept. */
        record Oldest() implements From {}

        /** With what comes from now on; the first time with how the providers stand. */
        record Now() implements From {}

        /** Behind the line of that number. */
        record After(long sequence) implements From {}
    }

    private record Reader(long since, int limit, CompletableFuture<MonitorReading> reply) {}

    public OffloadMonitor(OffloadDispatcher dispatcher, Clock clock) {
        this(dispatcher, clock, CAPACITY, IDLE_NS);
    }

    OffloadMonitor(OffloadDispatcher dispatcher, Clock clock, int capacity, long idleNs) {
        this.dispatcher = dispatcher;
        this.clock = clock;
        this.idleNs = idleNs;
        ring = new EventRing(capacity);
        thread = new ScheduledThreadPoolExecutor(
                1,
                task -> Thread.ofPlatform().daemon().name("offload-monitor").unstarted(task),
                new ThreadPoolExecutor.DiscardPolicy()); // after the end events may still come
        thread.setKeepAliveTime(THREAD_KEPT_SECONDS, TimeUnit.SECONDS);
        thread.allowCoreThreadTimeOut(true);
        thread.setRemoveOnCancelPolicy(true);
    }

    /** The lines that somebody wants to read; completes when there are some, or the wait is over. */
    public CompletableFuture<MonitorReading> read(Request request) {
        CompletableFuture<MonitorReading> reply = new CompletableFuture<>();
        if (thread.isShutdown()) {
            reply.completeExceptionally(new IllegalStateException("the switch is ending"));
            return reply;
        }
        long asked = ring.last();
        thread.execute(() -> {
            try {
                serve(request, asked, reply);
            } catch (RuntimeException e) { // contained: it is the asker's to hear of
                reply.completeExceptionally(e);
            }
        });
        return reply;
    }

    /** How many lines were overwritten before a reader came to them, over all readers. */
    public long lostLines() {
        return lostLines.sum();
    }

    /** Whether events are listened to at present. */
    boolean isListening() {
        return CompletableFuture.supplyAsync(() -> ticking != null, thread).join();
    }

    // ---- providers' threads ----

    private void note(OffloadEvent event) {
        ring.add(event, event.wallMs());
        if (someWait) {
            wakeSoon();
        }
    }

    private void wakeSoon() {
        if (wakeQueued.compareAndSet(false, true)) {
            thread.schedule(this::wake, GATHER_MS, TimeUnit.MILLISECONDS);
        }
    }

    // ---- the monitor's thread ----

    private void serve(Request request, long lastWhenAsked, CompletableFuture<MonitorReading> reply) {
        askedNs = System.nanoTime();
        listen();
        noteProviders();
        EventRing.Slice slice = switch (request.from()) {
            case From.Oldest oldest -> ring.readAll(request.limit());
            case From.Now now -> ring.read(lastWhenAsked, request.limit());
            case From.After after -> ring.read(after.sequence(), request.limit());
        };
        if (!slice.lines().isEmpty() || request.waitMs() == 0) {
            reply.complete(reading(slice));
            return;
        }
        Reader reader = new Reader(slice.next(), request.limit(), reply);
        waiting.add(reader);
        someWait = true;
        if (ring.last() > reader.since()) { // came between the look and the flag
            wakeSoon();
        }
        thread.schedule(() -> giveUp(reader), request.waitMs(), TimeUnit.MILLISECONDS);
    }

    private void wake() {
        wakeQueued.set(false);
        waiting.removeIf(reader -> {
            EventRing.Slice slice = ring.read(reader.since(), reader.limit());
            if (!slice.lines().isEmpty()) {
                reader.reply().complete(reading(slice));
            }
            return reader.reply().isDone();
        });
        someWait = !waiting.isEmpty();
        askedNs = System.nanoTime();
    }

    private void giveUp(Reader reader) {
        if (waiting.remove(reader)) {
            reader.reply().complete(reading(ring.read(reader.since(), reader.limit())));
            someWait = !waiting.isEmpty();
        }
    }

    private void listen() {
        if (ticking == null) {
            ring.addNote("watching", null, null, clock.wallMs());
            dispatcher.addEventTap(tap);
            ticking = thread.scheduleWithFixedDelay(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        }
    }

    private void tick() {
        waiting.removeIf(reader -> reader.reply().isDone());
        someWait = !waiting.isEmpty();
        if (waiting.isEmpty() && System.nanoTime() - askedNs > idleNs) {
            dispatcher.removeEventTap(tap);
            ring.clear();
            providerStates.clear();
            Objects.requireNonNull(ticking, "it is what runs this").cancel(false);
            ticking = null;
            return;
        }
        noteProviders();
    }

    /**
     * Adds lines about providers whose state is another than at the last look: at the last question, or
     * {@link #TICK_MS} ago.
     */
    private void noteProviders() {
        Map<String, String> present = new LinkedHashMap<>();
        dispatcher.providers().forEach(status -> present.put(status.name(), status.state()));
        Map<String, String> changed = new LinkedHashMap<>(present);
        changed.entrySet().removeAll(providerStates.entrySet());
        providerStates.keySet().stream()
                .filter(name -> !present.containsKey(name))
                .forEach(name -> changed.put(name, "not chosen"));
        changed.forEach((name, state) -> ring.addNote("provider", name, state, clock.wallMs()));
        providerStates.clear();
        providerStates.putAll(present);
        if (someWait && !changed.isEmpty()) {
            wakeSoon();
        }
    }

    private MonitorReading reading(EventRing.Slice slice) {
        lostLines.add(slice.dropped());
        return new MonitorReading(slice);
    }

    /** Tells those who wait that the switch is ending. */
    @Override
    public void close() {
        thread.execute(() -> {
            dispatcher.removeEventTap(tap);
            waiting.forEach(
                    reader -> reader.reply().completeExceptionally(new IllegalStateException("the switch is ending")));
            waiting.clear();
        });
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread.shutdown();
    }
}
