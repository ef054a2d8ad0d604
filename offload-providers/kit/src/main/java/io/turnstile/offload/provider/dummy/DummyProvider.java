package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.provider.dummy.RecordedEvent.Answer;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The provider holds what it is given, carries nothing, and writes down every callback. Its answers can be programmed;
 * by default it takes everything, covers both directions at once, does not know when a connection was used, and is told
 * of each connection when it has to let go of all.
 *
 * <p>Memory: the last {@link #DEFAULT_EVENT_LIMIT} events unless said otherwise, and the connections held.
 *
 * <p>Threads: any; programming takes effect from the next callback on. Answer functions run outside of its monitor.
 */
public final class DummyProvider implements OffloadProvider {
    /** How many events are kept by default. */
    public static final int DEFAULT_EVENT_LIMIT = 1000;

    private static final int DESCRIBED_EVENTS = 10;

    private final String name;
    private final int priority;
    private final int eventLimit;
    private final Deque<RecordedEvent> events = new ArrayDeque<>(); // guarded by this
    private final Map<Long, ConnView> held = new LinkedHashMap<>(); // guarded by this
    private final Map<RecordedEvent.Callback, Long> counts =
            new EnumMap<>(RecordedEvent.Callback.class); // guarded by this
    private long sequence; // guarded by this
    private volatile @Nullable ProviderContext context;
    private volatile Function<ConnView, Verdict> verdict = connection -> Verdict.accept();
    private volatile Predicate<ConnView> covers = connection -> true;
    private volatile ToLongFunction<ConnView> lastUsed = connection -> 0;
    private volatile boolean flushesAtOnce;

    /** Makes the provider that {@link java.util.ServiceLoader} finds: {@code dummy}, default priority. */
    public DummyProvider() {
        this("dummy", DEFAULT_PRIORITY, DEFAULT_EVENT_LIMIT);
    }

    /**
     * One of several.
     *
     * @param eventLimit how many events are kept; older ones are forgotten. 0 keeps counts only
     */
    public DummyProvider(String name, int priority, int eventLimit) {
        this.name = name;
        this.priority = priority;
        this.eventLimit = eventLimit;
    }

    // ---- programming ----

    /** Sets what {@code canOffload} answers. */
    public void answerCanOffload(Function<ConnView, Verdict> verdict) {
        this.verdict = verdict;
    }

    /** Sets what {@code connEstablished} answers. */
    public void answerEstablished(Predicate<ConnView> covers) {
        this.covers = covers;
    }

    /** Sets what {@code connUpdate} answers: ms since the epoch, 0 for unknown. */
    public void answerLastUsed(ToLongFunction<ConnView> lastUsed) {
        this.lastUsed = lastUsed;
    }

    /**
     * Sets whether {@code connFlush} lets go of everything; if not, as it is by default, it asks for deletes one by
     * one, and is not written down.
     */
    public void flushAtOnce(boolean atOnce) {
        this.flushesAtOnce = atOnce;
    }

    // ---- reading ----

    /** The events kept, oldest first. */
    public synchronized List<RecordedEvent> events() {
        return List.copyOf(events);
    }

    /** Events of one connection in order. */
    public synchronized List<RecordedEvent> events(long connectionId) {
        return events.stream()
                .filter(event ->
                        event.connection() != null && event.connection().id() == connectionId)
                .toList();
    }

    /** The connections held, as they were at their last event, in the order of their adding. */
    public synchronized List<ConnView> held() {
        return List.copyOf(held.values());
    }

    /** How often a callback came since the provider was made, forgotten events included. */
    public synchronized long count(RecordedEvent.Callback callback) {
        return counts.getOrDefault(callback, 0L);
    }

    /** Forgets the events kept and the counts; what is held stays. */
    public synchronized void forgetEvents() {
        events.clear();
        counts.clear();
    }

    @Override
    public synchronized List<String> describe() {
        List<String> lines = new ArrayList<>();
        lines.add("recorded: " + sequence + " callbacks, the last " + events.size() + " kept");
        events.stream()
                .skip(Math.max(0, events.size() - DESCRIBED_EVENTS))
                .forEach(event -> lines.add("  " + event.sequence() + " " + event
                        + (event.connection() == null ? "" : " " + event.connection())));
        return lines;
    }

    // ---- the provider ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public int priority() {
        return priority;
    }

    @Override
    public void init(ProviderContext context) {
        this.context = context;
        record(RecordedEvent.Callback.INIT, null, new Answer.Nothing());
    }

    @Override
    public void close() {
        record(RecordedEvent.Callback.CLOSE, null, new Answer.Nothing());
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        Verdict answer = verdict.apply(connection);
        record(
                RecordedEvent.Callback.CAN_OFFLOAD,
                connection,
                new Answer.Offload(answer instanceof Verdict.Decline decline ? decline.reason() : null));
        return answer;
    }

    @Override
    public synchronized Verdict connAdd(ConnView connection) {
        if (held.putIfAbsent(connection.id(), connection) != null) {
            throw new IllegalStateException("added twice");
        }
        record(RecordedEvent.Callback.ADD, connection, new Answer.Nothing());
        return Verdict.accept();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        boolean answer = covers.test(connection);
        refresh(connection);
        record(RecordedEvent.Callback.ESTABLISHED, connection, new Answer.Covers(answer));
        return answer;
    }

    @Override
    public long connUpdate(ConnView connection) {
        long answer = lastUsed.applyAsLong(connection);
        refresh(connection);
        record(RecordedEvent.Callback.UPDATE, connection, new Answer.LastUsed(answer));
        return answer;
    }

    @Override
    public synchronized void connDel(ConnView connection, DelReason reason) {
        if (held.remove(connection.id()) == null) {
            throw new IllegalStateException("deleted without being held");
        }
        record(RecordedEvent.Callback.DEL, connection, new Answer.Reason(reason));
    }

    @Override
    public synchronized boolean connFlush(DelReason reason) {
        if (!flushesAtOnce) {
            return false; // the deletes that follow say more
        }
        held.clear();
        record(RecordedEvent.Callback.FLUSH, null, new Answer.Reason(reason));
        return true;
    }

    private synchronized void refresh(ConnView connection) {
        if (held.replace(connection.id(), connection) == null) {
            throw new IllegalStateException("told of a connection that is not held");
        }
    }

    private synchronized void record(RecordedEvent.Callback callback, @Nullable ConnView connection, Answer answer) {
        counts.merge(callback, 1L, Long::sum);
        if (events.size() == eventLimit) {
            events.poll();
        }
        if (eventLimit > 0) {
            long wallMs = context == null ? 0 : context.wallMs();
            events.add(new RecordedEvent(sequence, wallMs, callback, connection, answer));
        }
        sequence++;
    }
}
