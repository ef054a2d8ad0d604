package io.turnstile.offload;

import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One provider with everything of its own: sessions one after the other, threads, circuit breaker, counters. Whatever
 * it does, no other lane notices.
 *
 * <p>A session goes: init → replay and live events → leaving (flush, or a delete for each connection held) → close. It
 * leaves when it is not wanted any more, or when the breaker opens; then it rests for a while and is tried anew. A call
 * that does not come back has the session given up: what the tracker holds for it is given back at once, and if the
 * call ever returns, the provider is told to let go of what it still holds, and closed.
 *
 * <p>Threads: this object's monitor guards the phase; it is never held while the provider is called. {@code init}, the
 * end of a session and {@code close} run on a thread of the session, or on the one that drains.
 */
final class Lane implements LaneReadings {
    /** Where the lane stands. */
    enum Phase {
        OFF,
        STARTING,
        UP,
        LEAVING,
        GIVEN_UP,
        RESTING
    }

    /** What differs from one opening to the next, so that equal causes are counted together. */
    private static final Pattern DETAIL = Pattern.compile("^\\d+ |(, the last| since |: a call took).*");

    private static final long PREDECESSOR_POLL_NS = TimeUnit.SECONDS.toNanos(1);

    final DispatcherContext context;
    final LaneLimits limits;
    final ProviderCaller caller;
    final LaneMetrics metrics;
    final ReasonTable reasons = new ReasonTable();
    final LongSupplier stopwatchNs;
    private final OffloadProvider provider;
    private final String name;
    private final int priority;
    private final CircuitBreaker breaker;
    private final ProviderDescription description;
    final ProviderNumbers numbers;
    private volatile @Nullable OffloadSession session; // null: nobody to tell
    private volatile OfferMoment offeredFrom = OfferMoment.COMMITTED;
    private volatile boolean carries;
    private volatile Map<String, String> settings = Map.of();

    // Guarded by this.
    private Phase phase = Phase.OFF;
    private boolean enabled;
    private int threads = 1;
    private String restCause = "";
    private int workers;
    private @Nullable OffloadSession settling;
    private @Nullable LaneProviderContext providerContext;
    /** Providers of the same name that are leaving. */
    private final List<Lane> predecessors = new ArrayList<>();
    /** What {@code init} or {@code close} is under way; null if neither is. */
    private @Nullable String transition;

    private long transitionSinceNs;

    Lane(DispatcherContext context, LaneLimits limits, OffloadProvider provider, String name, int priority) {
        this.context = context;
        this.limits = limits;
        this.provider = provider;
        this.name = name;
        this.priority = priority;
        caller = new ProviderCaller(provider);
        stopwatchNs = context.stopwatchNs();
        breaker = new CircuitBreaker(limits);
        description = new ProviderDescription(provider, name);
        metrics = context.metrics().create(name, this);
        numbers = context.numbersOf(name, metrics);
    }

    String name() {
        return name;
    }

    int priority() {
        return priority;
    }

    OffloadProvider provider() {
        return provider;
    }

    /** Who is to be told of connections' lives; null: nobody at present. */
    @Nullable
    OffloadSession session() {
        return session;
    }

    /** From when on the provider wants to be offered connections. */
    OfferMoment offeredFrom() {
        return offeredFrom;
    }

    /** Whether the provider is offered paths. */
    boolean carries() {
        return carries;
    }

    /** The provider's own part of {@code other_config}. */
    Map<String, String> settings() {
        return settings;
    }

    /** These are the provider's settings now; it is told if it is up and they are not what they were. */
    void setSettings(Map<String, String> changed) {
        boolean differ = !settings.equals(changed);
        settings = changed;
        OffloadSession present = session;
        if (differ && present != null) {
            present.settingsChanged(changed);
        }
    }

    /** Ports may have come, changed or gone. */
    void portsChanged() {
        OffloadSession present = session;
        if (present != null) {
            present.portsChanged();
        }
    }

    synchronized Phase phase() {
        return phase;
    }

    private void enter(Phase entered) {
        phase = entered;
        notifyAll();
    }

    // ---- what is wanted ----

    /** The provider is to be up, with so many threads; what its breaker remembers is forgotten. */
    synchronized void enable(int wantedThreads) {
        boolean again = !enabled;
        enabled = true;
        if (phase == Phase.OFF || phase == Phase.RESTING && again) {
            breaker.reset();
            threads = wantedThreads;
            start();
        } else if (threads != wantedThreads) {
            threads = wantedThreads;
            if (phase == Phase.UP) {
                leave(DelReason.PROVIDER_LEAVING); // comes up anew with the other number
            }
        }
    }

    /** The provider is to leave. */
    synchronized void disable() {
        enabled = false;
        if (phase == Phase.UP) {
            leave(DelReason.PROVIDER_LEAVING);
        } else if (phase == Phase.RESTING) {
            enter(Phase.OFF);
        }
    }

    /** If the provider is leaving, it is to be done as fast as can be. */
    void hurry() {
        OffloadSession present = session;
        if (present != null) {
            present.hurry();
        }
    }

    private void leave(DelReason reason) {
        enter(Phase.LEAVING);
        Objects.requireNonNull(session, "a lane that is up has a session").leave(reason);
    }

    /** Ports were given to, or taken from, the provider. */
    void recheck() {
        OffloadSession present = session;
        if (present != null) {
            present.shards[0].startReplay(true);
        }
    }

    // ---- coming up ----

    private void start() {
        enter(Phase.STARTING);
        if (context.isThreaded()) {
            thread(0, this::bringUp);
        } else {
            bringUp();
        }
    }

    /**
     * Two providers of one name share a device: this one is initialised only when that one has let go of everything and
     * is closed, or was given up.
     */
    synchronized void comesAfter(Lane leaving) {
        predecessors.add(leaving);
    }

    private void awaitPredecessors() {
        List<Lane> former;
        synchronized (this) {
            former = List.copyOf(predecessors);
            predecessors.clear();
        }
        try {
            for (Lane lane : former) {
                while (context.isThreaded() && !lane.awaitPhase(PREDECESSOR_POLL_NS, Phase.OFF, Phase.GIVEN_UP)) {
                    // nobody waits for this thread
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void thread(int number, Runnable work) {
        Thread.ofPlatform().daemon().name("offload-" + name + "-" + number).start(work);
    }

    private void bringUp() {
        awaitPredecessors();
        int count;
        LaneProviderContext begunContext;
        synchronized (this) {
            count = threads;
            begunContext = new LaneProviderContext(this, count);
            providerContext = begunContext;
            beginTransition("init");
        }
        Map<String, String> shown = settings;
        String fault = init(begunContext);
        OffloadSession begun = null;
        boolean late;
        synchronized (this) {
            late = !endTransition();
            if (!late && fault != null) {
                begunContext.close();
                rest("init failed: " + fault);
                return;
            }
            if (!late) {
                begun = new OffloadSession(this, count);
                begin(begun, begunContext, count);
                if (!settings.equals(shown)) {
                    begun.settingsChanged(settings); // since init may have read them
                }
            }
        }
        if (late) { // given up: what it has opened meanwhile is closed again, and it is tried anew
            if (fault == null) {
                close();
            }
            begunContext.close();
            startAnew();
        } else if (begun != null && context.isThreaded()) {
            OffloadSession present = begun;
            for (int i = 1; i < count; i++) {
                Shard shard = present.shards[i];
                thread(i, () -> work(present, shard));
            }
            work(present, present.shards[0]);
        }
    }

    private void begin(OffloadSession begun, LaneProviderContext begunContext, int count) {
        workers = count;
        session = begun;
        begunContext.begin(begun);
        begun.shards[0].startReplay(false); // after publishing: what is committed meanwhile is met by one or by both
        enter(Phase.UP);
        if (!enabled || threads != count) {
            leave(DelReason.PROVIDER_LEAVING);
        }
    }

    private void beginTransition(String what) {
        transition = what;
        transitionSinceNs = stopwatchNs.getAsLong();
    }

    /** False if the transition was given up meanwhile. */
    private boolean endTransition() {
        boolean inTime = transition != null;
        transition = null;
        return inTime;
    }

    private @Nullable String init(LaneProviderContext begun) {
        String[] fault = new String[1];
        caller.tellChecked(
                () -> {
                    offeredFrom = provider.offeredFrom();
                    carries = provider.carries();
                    provider.init(begun);
                },
                failure -> {
                    fault[0] = failure.reason();
                    record("init", failure.reworded(failure.reason()));
                });
        return fault[0];
    }

    /** Records a failure that concerns no connection. */
    void record(String what, FailureText failure) {
        context.causes().record(name + ": " + what, failure, context.clock().wallMs());
    }

    private void work(OffloadSession of, Shard shard) {
        try {
            shard.work();
        } catch (RuntimeException | Error e) { // contained: a fault of ours costs this session and no other
            FailureText fault = FailureText.of(e);
            record("dispatcher", fault);
            giveUp(of, "a fault in the dispatcher: " + fault.text());
        } finally {
            workerEnded(of);
        }
    }

    /** The last one has the lane end, however it came to its own end. */
    private void workerEnded(OffloadSession of) {
        boolean last;
        synchronized (this) {
            last = --workers == 0;
        }
        if (last) {
            settle(of);
        }
    }

    // ---- what calls come to ----

    /** Counts a call that has returned, tells those who watch, and opens the breaker if this was too much. */
    void called(OffloadSession of, List<OffloadOperation> batch, ProviderCaller.Answers answers, long durationNs) {
        metrics.called(batch.size(), durationNs);
        String tooMuch = null;
        for (int i = 0; i < batch.size(); i++) {
            OffloadResult result = answers.results().get(i);
            if (!(result instanceof OffloadResult.Deferred)) {
                // A call that has failed as a whole is one failure, however many operations it had.
                String last = count(batch.get(i), result, i == 0 || !answers.isUnknown());
                tooMuch = last == null ? tooMuch : last;
            }
        }
        if (tooMuch != null) {
            trip(of, tooMuch);
        }
    }

    /** Counts an operation that was deferred and has ended. */
    void operationEnded(OffloadSession of, OffloadOperation operation, OffloadResult result) {
        String tooMuch = count(operation, result, true);
        if (tooMuch != null) {
            trip(of, tooMuch);
        }
    }

    /** Returns the cause to open the breaker if this is one failure too many, else null. */
    private @Nullable String count(OffloadOperation operation, OffloadResult result, boolean isOfItsOwn) {
        OffloadEvent.Kind kind = OffloadEvent.Kind.of(operation);
        metrics.operation(kind, OperationOutcome.of(result));
        String tooMuch = null;
        if (result instanceof OffloadResult.Failed failed) {
            if (isOfItsOwn) {
                record(kind.toString(), ProviderCaller.failure(failed));
                tooMuch = breaker.failed(kind + ": " + failed.reason());
            }
        } else if (!(operation instanceof OffloadOperation.Query && result instanceof Verdict.Accept)) {
            // What was promised only does not count.
            breaker.succeeded();
        }
        if (!context.taps().isEmpty() && !(result instanceof OffloadResult.OneByOne)) { // that one is of no consequence
            context.taps()
                    .tell(new OffloadEvent(
                            name, operation, result, context.clock().wallMs()));
        }
        return tooMuch;
    }

    /** Opens the breaker if the calls of a batch, the longest of which took so long, were slow once too often. */
    void checkDuration(OffloadSession of, long longestCallNs) {
        String tooMuch = breaker.called(longestCallNs, stopwatchNs.getAsLong());
        if (tooMuch != null) {
            trip(of, tooMuch);
        }
    }

    private synchronized void trip(OffloadSession of, String cause) {
        if (phase == Phase.UP && session == of) {
            openBreaker(cause);
            leave(DelReason.PROVIDER_FAILED);
        }
    }

    private void openBreaker(String cause) {
        restCause = cause;
        breaker.open(cause, stopwatchNs.getAsLong());
        record("provider", FailureText.said(DETAIL.matcher(cause).replaceAll("")));
    }

    // ---- coming down ----

    /** Does the rest of what is owed to the provider after the last worker has gone, and closes it. */
    private void settle(OffloadSession ended) {
        LaneProviderContext endedContext;
        synchronized (this) {
            if (session == ended) {
                session = null;
            }
        }
        ended.endPaths();
        if (ended.isGivenUp()) {
            settleAbandoned(ended);
        }
        synchronized (this) {
            endedContext = providerContext;
            if (endedContext != null) {
                endedContext.end();
                providerContext = null;
            }
            beginTransition("close");
        }
        close();
        if (endedContext != null) {
            endedContext.close();
        }
        synchronized (this) {
            endTransition();
        }
        startAnew();
    }

    /** Goes on after the end of a session: the provider is off, rests, or comes up anew. */
    private synchronized void startAnew() {
        if (!enabled) {
            enter(Phase.OFF);
        } else if (breaker.isOpen()) {
            enter(Phase.RESTING);
        } else {
            start();
        }
    }

    /** Takes from the provider what it held when it was given up, as it has come back. */
    private void settleAbandoned(OffloadSession ended) {
        for (Shard shard : ended.shards) {
            shard.oweDeferred();
        }
        deliverOwed(ended);
        ended.forEachOwed(
                connectionId -> { // it may have carried packets until now
                    if (context.tracker().hold(connectionId)) {
                        context.tracker().unhold(connectionId, null);
                    }
                });
    }

    private void deliverOwed(OffloadSession ended) {
        boolean flushed = ended.isFlushAsked()
                ? ended.isFlushed()
                : settleCall(ended, List.of(new OffloadOperation.Flush(DelReason.PROVIDER_FAILED)))
                                .getFirst()
                        instanceof OffloadResult.Done;
        if (flushed) {
            return;
        }
        ConnViewReader reader = new ConnViewReader(context.tracker(), context.ports());
        List<OffloadOperation> batch = new ArrayList<>(Shard.BATCH_LENGTH);
        for (PathTurn turn : ended.owedPaths()) {
            if (turn.mayCarry()) {
                reader.read(turn.path.connectionId(), context.clock().nowNs());
                settleCall(
                        ended,
                        List.of(new OffloadOperation.PathDel(reader.view(), turn.path.path, PathEnd.PROVIDER_FAILED)));
            }
        }
        ended.forEachOwed(connectionId -> {
            reader.read(connectionId, context.clock().nowNs());
            batch.add(new OffloadOperation.Delete(reader.view(), DelReason.PROVIDER_FAILED));
            if (batch.size() == Shard.BATCH_LENGTH) {
                settleCall(ended, batch);
                batch.clear();
            }
        });
        if (!batch.isEmpty()) {
            settleCall(ended, batch);
        }
    }

    /** Makes a call of the end, and waits for results that are deferred: {@code close} is not to overtake them. */
    private List<OffloadResult> settleCall(OffloadSession ended, List<OffloadOperation> operations) {
        List<OffloadOperation> batch = List.copyOf(operations);
        long startNs = stopwatchNs.getAsLong();
        ProviderCaller.Answers answers = caller.operate(batch);
        called(ended, batch, answers, stopwatchNs.getAsLong() - startNs);
        if (answers.isUnknown() && batch.size() > 1) {
            batch.forEach(one -> settleCall(ended, List.of(one)));
        }
        long untilNs = stopwatchNs.getAsLong() + limits.deferredNs();
        List<OffloadResult> results = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            OffloadResult result = answers.results().get(i);
            if (result instanceof OffloadResult.Deferred deferred) {
                result = awaited(batch.get(i), deferred, untilNs);
                operationEnded(ended, batch.get(i), result);
            }
            results.add(result);
        }
        return results;
    }

    private OffloadResult awaited(OffloadOperation operation, OffloadResult.Deferred deferred, long untilNs) {
        long leftNs = context.isThreaded() ? Math.max(0, untilNs - stopwatchNs.getAsLong()) : 0;
        try {
            OffloadResult result = deferred.result().toCompletableFuture().get(leftNs, TimeUnit.NANOSECONDS);
            return ProviderCaller.fitting(operation, result);
        } catch (ExecutionException | TimeoutException e) {
            return new OffloadResult.Failed("has not ended", null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new OffloadResult.Failed("was not waited for", null);
        }
    }

    private void close() {
        caller.tellChecked(provider::close, failure -> record("close", failure));
    }

    private void rest(String cause) {
        openBreaker(cause);
        enter(enabled ? Phase.RESTING : Phase.OFF);
    }

    // ---- who watches over it ----

    /** Looks after the lane: gives up calls that do not return, and tries again what has rested. */
    void tick() {
        OffloadSession present = session;
        if (present != null) {
            watch(present);
            present.offerLasting(stopwatchNs.getAsLong());
        }
        synchronized (this) {
            watchTransition();
            if (phase == Phase.RESTING && enabled && breaker.isDue(stopwatchNs.getAsLong())) {
                breaker.halfOpen();
                start();
            }
        }
    }

    private void watch(OffloadSession present) {
        String hung = null;
        for (Shard shard : present.shards) {
            if (context.isThreaded() && shard.watch().giveUp(limits.hungCallNs())) {
                hung = shard.watch().what() + " has not returned since " + before(limits.hungCallNs());
            } else if (shard.oldestDeferredNs() > limits.deferredNs()) {
                hung = "a deferred operation has not ended since " + before(limits.deferredNs());
            }
        }
        if (hung != null) {
            metrics.givenUp();
            giveUp(present, hung);
        }
    }

    private void watchTransition() {
        if (transition != null
                && context.isThreaded()
                && stopwatchNs.getAsLong() - transitionSinceNs > limits.hungStartNs()) {
            metrics.givenUp();
            openBreaker(transition + " has not returned since " + before(limits.hungStartNs()));
            transition = null;
            enter(Phase.GIVEN_UP);
        }
    }

    private String before(long agoNs) {
        return TimeText.ofDay(context.clock().wallMs() - agoNs / 1_000_000);
    }

    private void giveUp(OffloadSession of, String cause) {
        synchronized (this) {
            if (of.isGivenUp() || session != of) {
                return;
            }
            openBreaker(cause);
            of.beginGivingUp();
            enter(Phase.GIVEN_UP);
        }
        of.giveUp();
        synchronized (this) {
            if (session == of) {
                session = null; // not before: a slot whose connection left unheard would go to the next one too early
            }
        }
        if (!context.isThreaded()) {
            settle(of); // nothing is under way in it but what was deferred
        }
    }

    /**
     * Drained by the caller: a batch of each shard, and what follows from it.
     *
     * @return false if there was nothing to do
     */
    boolean step() {
        OffloadSession present = session;
        if (present == null) {
            return false;
        }
        boolean busy = false;
        for (Shard shard : present.shards) {
            busy |= shard.step();
        }
        if (!context.isThreaded() && present.hasLeft() && startsSettling(present)) {
            settle(present);
            busy = true;
        }
        return busy;
    }

    /** Drained by the caller: withdrawals of paths. Returns false if there was nothing to do. */
    boolean stepPaths() {
        OffloadSession present = session;
        boolean busy = false;
        if (present != null) {
            for (Shard shard : present.shards) {
                busy |= shard.stepPaths();
            }
        }
        return busy;
    }

    /** A provider may come back to the dispatcher out of a callback: nobody settles twice. */
    private synchronized boolean startsSettling(OffloadSession ended) {
        boolean first = settling != ended;
        settling = ended;
        return first;
    }

    /** Nothing waits for the provider, and it is not in a call. */
    boolean isIdle() {
        OffloadSession present = session;
        return present == null || Arrays.stream(present.shards).allMatch(Shard::isIdle);
    }

    /** Waits until the lane stands in one of these, or the time is over. Returns whether it does. */
    synchronized boolean awaitPhase(long timeoutNs, Phase... phases) throws InterruptedException {
        long startNs = System.nanoTime(); // real time: it is threads that are waited for
        while (!List.of(phases).contains(phase)) {
            long leftMs = (timeoutNs - (System.nanoTime() - startNs)) / 1_000_000;
            if (leftMs <= 0) {
                return false;
            }
            wait(leftMs);
        }
        return true;
    }

    // ---- looking ----

    synchronized ProviderStatus status() {
        String state = switch (phase) {
            case OFF -> "closed";
            case STARTING ->
                breaker.reading(0).position() == CircuitBreaker.Position.HALF_OPEN ? "half-open" : "starting";
            case UP -> breaker.reading(0).position() == CircuitBreaker.Position.HALF_OPEN ? "half-open" : "ready";
            case LEAVING -> "leaving";
            case GIVEN_UP -> "breaker open: " + restCause;
            case RESTING -> restCause.startsWith("init failed: ") ? restCause : "breaker open: " + restCause;
        };
        return new ProviderStatus(name, priority, state);
    }

    CircuitBreaker.Reading breakerReading() {
        return breaker.reading(stopwatchNs.getAsLong());
    }

    /** What the provider says of itself. */
    List<String> description() {
        return description.lines();
    }

    /** How the connection stands with this provider. */
    ProviderConnectionState state(long connectionId) {
        OffloadSession present = session;
        if (present != null) {
            return present.state(connectionId);
        }
        ProviderStatus status = status();
        return status.state().equals("closed") || status.state().equals("starting")
                ? new ProviderConnectionState(name, OffloadState.NONE, null)
                : new ProviderConnectionState(name, OffloadState.REFUSED, status.state());
    }

    OffloadSession.Census census() {
        OffloadSession present = session;
        return present == null ? new OffloadSession.Census(0, 0, 0) : present.census();
    }

    @Override
    public int queueDepth() {
        OffloadSession present = session;
        return present == null ? 0 : present.queueDepth();
    }

    @Override
    public long oldestWaitNs() {
        OffloadSession present = session;
        return present == null ? 0 : present.oldestWaitNs();
    }

    @Override
    public long heldConnections() {
        return census().held();
    }

    @Override
    public boolean isBreakerOpen() {
        return breaker.isOpen();
    }
}
