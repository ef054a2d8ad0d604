package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.provider.dummy.RecordedEvent.Answer;
import io.turnstile.offload.spi.ConnChange;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
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
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The provider holds what it is given, carries nothing unless it is {@linkplain #carry told to say that it does}, and
 * writes down every callback; of those about ports and settings it counts the calls and keeps what they came to. Its
 * answers can be programmed; by default it takes everything, covers both directions at once, does not know when a
 * connection was used, and is told of each connection when it has to let go of all.
 *
 * <p>A caller that breaks the life cycle is told so by an {@link IllegalStateException}: an add of what is held, a
 * callback about what is not. A delete of what is not held is legal once {@code operate} has thrown, and does nothing
 * then.
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
    private final OfferMoment offeredFrom;
    private final Deque<RecordedEvent> events = new ArrayDeque<>(); // guarded by this
    private final Map<Long, ConnView> held = new LinkedHashMap<>(); // guarded by this
    private final Map<RecordedEvent.Callback, Long> counts =
            new EnumMap<>(RecordedEvent.Callback.class); // guarded by this
    private final Map<Long, PortRef> ports = new LinkedHashMap<>(); // guarded by this
    private Map<String, String> settings = Map.of(); // guarded by this
    private long sequence; // guarded by this
    private volatile boolean someDeletesMayMiss;
    private volatile @Nullable ProviderContext context;
    private volatile Function<ConnView, Verdict> verdict = connection -> Verdict.accept();
    private volatile Function<ConnView, Verdict> addVerdict = connection -> Verdict.accept();
    private volatile Predicate<ConnView> covers = connection -> true;
    private volatile ToLongFunction<ConnView> lastUsed = connection -> 0;
    private volatile boolean flushesAtOnce;
    private final Map<Long, Path> carried = new LinkedHashMap<>(); // guarded by this
    private volatile boolean carries;
    private volatile Function<Path, Verdict> pathVerdict = path -> Verdict.accept();
    private volatile Function<Path, OffloadResult.Carried> carriedOf = path -> OffloadResult.Carried.UNKNOWN;

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
        this(name, priority, eventLimit, OfferMoment.COMMITTED);
    }

    /** One of several, to which connections are offered from another moment on. */
    public DummyProvider(String name, int priority, int eventLimit, OfferMoment offeredFrom) {
        this.name = name;
        this.priority = priority;
        this.eventLimit = eventLimit;
        this.offeredFrom = offeredFrom;
    }

    // ---- programming ----

    /** Sets what {@code canOffload} answers. */
    public void answerCanOffload(Function<ConnView, Verdict> verdict) {
        this.verdict = verdict;
    }

    /** Sets what {@code connAdd} answers; the connection is held if that is to accept. */
    public void answerAdd(Function<ConnView, Verdict> verdict) {
        this.addVerdict = verdict;
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

    /**
     * Sets whether it is offered paths, from the next init on. It says that it carries those it accepts, and forwards
     * no packet: who tests with it does that by hand, or counts only.
     */
    public void carry(boolean carries) {
        this.carries = carries;
    }

    /** Sets what {@code pathPut} answers. */
    public void answerPath(Function<Path, Verdict> verdict) {
        this.pathVerdict = verdict;
    }

    /** Sets what {@code pathDel} and {@code pathStats} answer. */
    public void answerCarried(Function<Path, OffloadResult.Carried> carried) {
        this.carriedOf = carried;
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

    /** The paths accepted and not given back, in the order of their coming. */
    public synchronized List<Path> carried() {
        return List.copyOf(carried.values());
    }

    /** The ports that have come and not gone, as they were shown last, in the order of their coming. */
    public synchronized List<PortRef> ports() {
        return List.copyOf(ports.values());
    }

    /** The settings as they were at init or told of last. */
    public synchronized Map<String, String> settings() {
        return settings;
    }

    /** What the last init gave: for a test that has the provider say something unasked. Null before the first. */
    public @Nullable ProviderContext context() {
        return context;
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
    public OfferMoment offeredFrom() {
        return offeredFrom;
    }

    @Override
    public synchronized void init(ProviderContext context) {
        this.context = context;
        ports.clear();
        settings = Map.copyOf(context.settings());
        record(RecordedEvent.Callback.INIT, null, new Answer.Nothing());
    }

    @Override
    public void close() {
        record(RecordedEvent.Callback.CLOSE, null, new Answer.Nothing());
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        Verdict answer = verdict.apply(connection);
        record(RecordedEvent.Callback.CAN_OFFLOAD, connection, new Answer.Offload(answer));
        return answer;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        Verdict answer = addVerdict.apply(connection);
        synchronized (this) {
            if (held.containsKey(connection.id())) {
                throw new IllegalStateException("added twice");
            }
            if (answer instanceof Verdict.Accept) {
                held.put(connection.id(), connection);
            }
            record(RecordedEvent.Callback.ADD, connection, new Answer.Offload(answer));
        }
        return answer;
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        boolean answer = covers.test(connection);
        refresh(connection);
        record(RecordedEvent.Callback.ESTABLISHED, connection, new Answer.Covers(answer));
        return answer;
    }

    @Override
    public void connChanged(ConnView connection, Set<ConnChange> changes) {
        refresh(connection);
        record(RecordedEvent.Callback.CHANGED, connection, new Answer.Changes(changes));
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
        if (held.remove(connection.id()) == null && !someDeletesMayMiss) {
            throw new IllegalStateException("deleted without being held");
        }
        if (carried.values().stream().anyMatch(path -> path.connectionId() == connection.id())) {
            throw new IllegalStateException("deleted while a path of it is carried");
        }
        record(RecordedEvent.Callback.DEL, connection, new Answer.Reason(reason));
    }

    @Override
    public boolean carries() {
        return carries;
    }

    @Override
    public Verdict pathPut(ConnView connection, Path path) {
        Verdict answer = pathVerdict.apply(path);
        synchronized (this) {
            if (!held.containsKey(connection.id())) {
                throw new IllegalStateException("a path of a connection that is not held");
            }
            if (carried.values().stream()
                    .anyMatch(other ->
                            other.connectionId() == path.connectionId() && other.direction() == path.direction())) {
                throw new IllegalStateException("a second path of a direction");
            }
            if (answer instanceof Verdict.Accept) {
                carried.put(path.id(), path);
            }
            record(RecordedEvent.Callback.PATH_PUT, connection, new Answer.Carries(path, answer));
        }
        return answer;
    }

    @Override
    public OffloadResult.Carried pathDel(ConnView connection, Path path, PathEnd reason) {
        OffloadResult.Carried answer = carriedOf.apply(path);
        synchronized (this) {
            if (carried.remove(path.id()) == null && reason != PathEnd.PROVIDER_FAILED && !someDeletesMayMiss) {
                throw new IllegalStateException("given back without being carried");
            }
            record(RecordedEvent.Callback.PATH_DEL, connection, new Answer.Carried(path, reason, answer));
        }
        return answer;
    }

    @Override
    public OffloadResult.Carried pathStats(ConnView connection, Path path) {
        OffloadResult.Carried answer = carriedOf.apply(path);
        synchronized (this) {
            if (!carried.containsKey(path.id())) {
                throw new IllegalStateException("asked about a path that is not carried");
            }
            record(RecordedEvent.Callback.PATH_STATS, connection, new Answer.Carried(path, null, answer));
        }
        return answer;
    }

    @Override
    public synchronized boolean connFlush(DelReason reason) {
        if (!flushesAtOnce) {
            return false; // the deletes that follow say more
        }
        held.clear();
        carried.clear();
        record(RecordedEvent.Callback.FLUSH, null, new Answer.Reason(reason));
        return true;
    }

    @Override
    public synchronized void portAdded(PortRef port) {
        ports.put(port.id(), port);
        tally(RecordedEvent.Callback.PORT_ADDED);
    }

    @Override
    public synchronized void portChanged(PortRef port) {
        ports.put(port.id(), port);
        tally(RecordedEvent.Callback.PORT_CHANGED);
    }

    @Override
    public synchronized void portRemoved(PortRef port) {
        ports.remove(port.id());
        tally(RecordedEvent.Callback.PORT_REMOVED);
    }

    @Override
    public synchronized void settingsChanged(Map<String, String> settings) {
        this.settings = Map.copyOf(settings);
        tally(RecordedEvent.Callback.SETTINGS_CHANGED);
    }

    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        try {
            return OffloadProvider.super.operate(operations);
        } catch (Throwable e) { // whatever it was, deletes follow of what may not be held
            someDeletesMayMiss = true;
            throw e;
        }
    }

    private synchronized void refresh(ConnView connection) {
        if (held.replace(connection.id(), connection) == null) {
            throw new IllegalStateException("told of a connection that is not held");
        }
    }

    private synchronized void tally(RecordedEvent.Callback callback) {
        counts.merge(callback, 1L, Long::sum);
    }

    private synchronized void record(RecordedEvent.Callback callback, @Nullable ConnView connection, Answer answer) {
        tally(callback);
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
