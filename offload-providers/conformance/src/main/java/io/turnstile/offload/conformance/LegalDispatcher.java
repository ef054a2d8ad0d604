package io.turnstile.offload.conformance;

import io.turnstile.offload.conformance.ProviderCalls.Outcome;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The dispatcher calls a provider as the switch's dispatcher would: in the order that the SPI promises, containing what
 * goes wrong and going on as the SPI says after it, and taking note of what the provider must hold by its own word. It
 * asserts nothing; the tests look at what it noted.
 *
 * <p>Threads: {@link #run} on several at once, each with other connections; the rest while none runs.
 */
final class LegalDispatcher {
    static final int BATCH_LENGTH = 32;
    /** So many connections may be asked about before the first of them is added. */
    static final int OFFERED_AT_ONCE = 64;

    private static final int LIVES_AT_ONCE = 200;
    private static final int LAST_USES_KEPT = 10_000;

    /** An answer about last use other than "unknown", and when it was given; ms since the epoch. */
    record LastUse(long connectionId, long answerMs, long initMs, long nowMs) {}

    private final OffloadProvider provider;
    private final CallWatch watch;
    private final ProviderCalls calls;
    private final ProviderReports reports;
    private final OfferMoment moment;
    private final Map<Long, ConnView> held = new ConcurrentHashMap<>();
    private final AtomicInteger deletes = new AtomicInteger();
    private final Queue<LastUse> lastUses = new ConcurrentLinkedQueue<>();
    private final AtomicInteger lastUseCount = new AtomicInteger();
    private Consumer<ConnView> observer = connection -> {};
    private final Set<Long> covered = ConcurrentHashMap.newKeySet();
    private final Map<Long, Path> carried = new ConcurrentHashMap<>();
    private final Queue<OffloadResult> pathRefusals = new ConcurrentLinkedQueue<>();
    private final AtomicLong lastPathId = new AtomicLong();
    private boolean carries;
    private boolean open;

    /** For a provider that is offered connections from that moment on. */
    LegalDispatcher(
            OffloadProvider provider,
            CallWatch watch,
            ProviderCalls calls,
            ProviderReports reports,
            OfferMoment moment) {
        this.provider = provider;
        this.watch = watch;
        this.calls = calls;
        this.reports = reports;
        this.moment = moment;
    }

    // ---- what was noted ----

    OffloadProvider provider() {
        return provider;
    }

    CallWatch watch() {
        return watch;
    }

    ProviderCalls calls() {
        return calls;
    }

    ProviderReports reports() {
        return reports;
    }

    /** From when on the provider is offered connections. */
    OfferMoment moment() {
        return moment;
    }

    /** How many connections the provider holds, by its own word. */
    int heldCount() {
        return held.size();
    }

    /** The connections that the provider holds, by its own word, as it was shown them last. */
    List<ConnView> held() {
        return List.copyOf(held.values());
    }

    /** Whether the provider holds this connection, by its own word. */
    boolean isHeld(long connectionId) {
        return held.containsKey(connectionId);
    }

    /** The first answers about last use other than "unknown". */
    List<LastUse> lastUses() {
        return List.copyOf(lastUses);
    }

    /** Is shown every connection that the provider is shown, from now on. */
    void observeConnections(Consumer<ConnView> observer) {
        this.observer = observer;
    }

    // ---- the provider as a whole ----

    /** Brings it up, and tells it of the ports that are there; a throw of the former comes through. */
    void init() throws Exception {
        reports.begin();
        carries = watch.call("carries", provider::carries);
        watch.call("init", () -> {
            provider.init(reports);
            return null;
        });
        open = true;
        for (PortRef port : SampleConnections.PORTS) {
            portAdded(port);
        }
    }

    void portAdded(PortRef port) throws Exception {
        calls.notice("portAdded", port.toString(), () -> provider.portAdded(port));
    }

    void portChanged(PortRef port) throws Exception {
        calls.notice("portChanged", port.toString(), () -> provider.portChanged(port));
    }

    void portRemoved(PortRef port) throws Exception {
        calls.notice("portRemoved", port.toString(), () -> provider.portRemoved(port));
    }

    void settingsChanged(Map<String, String> settings) throws Exception {
        calls.notice("settingsChanged", settings.keySet().toString(), () -> provider.settingsChanged(settings));
    }

    /** Takes everything back one by one and closes; a throw of the latter comes through. */
    void close() throws Exception {
        deleteAll(DelReason.PROVIDER_LEAVING);
        open = false;
        watch.call("close", () -> {
            provider.close();
            return null;
        });
    }

    /**
     * Closes as {@link #close} does if it is open, whatever that brings: the end of a test does not add to what the
     * test found.
     */
    void leave() throws Exception {
        if (open) {
            deleteAll(DelReason.PROVIDER_LEAVING);
            open = false;
            watch.call("close", this::closeQuietly);
        }
    }

    private @Nullable Throwable closeQuietly() {
        try {
            provider.close();
            return null;
        } catch (Throwable e) { // the switch logs it and takes the provider for closed
            return e;
        }
    }

    List<String> describe() throws Exception {
        return watch.call("describe", provider::describe);
    }

    /** Asks for a flush, and deletes one by one if it did not do. Returns what the flush answered. */
    OffloadResult flush(DelReason reason) throws Exception {
        OffloadResult answer = calls.make(List.of(new OffloadOperation.Flush(reason)))
                .results()
                .getFirst();
        if (answer instanceof OffloadResult.Done) {
            held.keySet().forEach(reports::takeBack);
            held.clear();
            covered.clear();
            carried.clear();
        } else {
            deleteAll(reason);
        }
        return answer;
    }

    /** A delete for each connection held. */
    void deleteAll(DelReason reason) throws Exception {
        takeLostBack();
        deleteEach(held(), reason);
    }

    /** A delete for each that the provider has lost. */
    void takeLostBack() throws Exception {
        deleteEach(
                held().stream()
                        .filter(connection -> reports.isLost(connection.id()))
                        .toList(),
                DelReason.LOST);
    }

    private void deleteEach(List<ConnView> all, DelReason reason) throws Exception {
        if (!carried.isEmpty()) {
            Set<Long> leaving = all.stream().map(ConnView::id).collect(Collectors.toSet());
            endPaths(
                    carried().stream()
                            .filter(path -> leaving.contains(path.connectionId()))
                            .toList(),
                    PathEnd.CONNECTION_LEAVES);
        }
        for (List<ConnView> some : inBatches(all)) {
            perform(some.stream()
                    .map(connection -> new OffloadOperation.Delete(connection, reason))
                    .toList());
        }
    }

    private static <T> List<List<T>> inBatches(List<T> all) {
        List<List<T>> batches = new ArrayList<>();
        for (int from = 0; from < all.size(); from += BATCH_LENGTH) {
            batches.add(all.subList(from, Math.min(all.size(), from + BATCH_LENGTH)));
        }
        return batches;
    }

    // ---- paths ----

    /** Whether the provider is offered paths, as it said before init. */
    boolean carries() {
        return carries;
    }

    /** The connections that the provider covers in both directions, by its own word. */
    List<ConnView> covered() {
        return held().stream()
                .filter(connection -> covered.contains(connection.id()))
                .toList();
    }

    /** The connection as the provider was shown it last. */
    ConnView heldAs(long connectionId) {
        return Objects.requireNonNull(held.get(connectionId), "a path is one of a connection that is held");
    }

    /** The paths that the provider carries, by its own word. */
    List<Path> carried() {
        return List.copyOf(carried.values());
    }

    /** The answers to paths that it does not carry. */
    List<OffloadResult> pathRefusals() {
        return List.copyOf(pathRefusals);
    }

    long nextPathId() {
        return lastPathId.incrementAndGet();
    }

    /** Takes these paths back, those that the provider has lost with that reason. */
    void endPaths(List<Path> paths, PathEnd reason) throws Exception {
        for (Direction direction : Direction.values()) { // a list has one operation of a connection at most
            performInBatches(paths.stream()
                    .filter(path -> path.direction() == direction)
                    .map(path -> new OffloadOperation.PathDel(
                            heldAs(path.connectionId()), path, reports.isPathLost(path.id()) ? PathEnd.LOST : reason))
                    .toList());
        }
    }

    /** Has operations on paths carried out, each of another connection; puts that fail are taken back at once. */
    List<OffloadResult> performInBatches(List<? extends OfConnection> operations) throws Exception {
        List<OffloadResult> results = new ArrayList<>();
        for (List<? extends OfConnection> some : inBatches(operations)) {
            for (OfConnection operation : some) {
                if (operation instanceof OffloadOperation.PathPut put) {
                    reports.givePath(put.path().id());
                }
            }
            Outcome outcome = carryOut(some);
            results.addAll(outcome.results());
            for (int i = 0; i < some.size() && !outcome.isBroken(); i++) {
                if (some.get(i) instanceof OffloadOperation.PathPut put
                        && outcome.results().get(i) instanceof OffloadResult.Failed) {
                    perform(List.of(
                            new OffloadOperation.PathDel(put.connection(), put.path(), PathEnd.PROVIDER_FAILED)));
                }
            }
        }
        return results;
    }

    // ---- connections ----

    /** Drives these lives to their ends, many at a time, their steps mixed into batches. */
    void run(List<Life> lives, long seed) throws Exception {
        run(lives.iterator(), seed);
    }

    /** Drives these lives as {@link #run(List, long)} does; each is made only when it is needed. */
    void run(Iterator<Life> lives, long seed) throws Exception {
        Random random = new Random(seed);
        List<Life> alive = new ArrayList<>();
        while (lives.hasNext() || !alive.isEmpty()) {
            int arriving = Math.min(1 + random.nextInt(BATCH_LENGTH), LIVES_AT_ONCE - alive.size());
            for (; arriving > 0 && lives.hasNext(); arriving--) {
                alive.add(lives.next());
            }
            Collections.shuffle(alive, random);
            List<Life> ready =
                    alive.stream().filter(life -> !life.isPostponed()).toList();
            long roomBefore = deletes.get() + reports.roomTold();
            step(ready.subList(0, Math.min(ready.size(), BATCH_LENGTH)));
            alive.forEach(this::endIfLost);
            alive.removeIf(Life::isOver);
            if (ready.isEmpty() || deletes.get() + reports.roomTold() > roomBefore) {
                alive.forEach(Life::offerAgain);
            }
        }
    }

    private void endIfLost(Life life) {
        if (reports.isLost(life.connectionId())) {
            life.lose();
        }
    }

    /** Drives these lives, no more than a batch, side by side: all operations of a batch are of one kind. */
    void runInStep(List<Life> lives) throws Exception {
        for (List<Life> alive = lives;
                !alive.isEmpty();
                alive = alive.stream().filter(life -> !life.isOver()).toList()) {
            step(alive);
            alive.forEach(this::endIfLost);
        }
    }

    private void step(List<Life> chosen) throws Exception {
        if (chosen.isEmpty()) {
            return;
        }
        Outcome outcome =
                carryOut(chosen.stream().map(life -> life.next(moment)).toList());
        for (int i = 0; i < chosen.size(); i++) {
            chosen.get(i).answered(outcome.results().get(i));
            if (outcome.isBroken()) {
                chosen.get(i).end();
            }
        }
    }

    /**
     * Offers connections: asks about all, then adds those that were accepted, then tells of those that are established
     * already. Returns the last word on each: of the query if it was refused by that, of the add otherwise.
     */
    Map<ConnView, OffloadResult> offer(List<ConnView> connections) throws Exception {
        Map<ConnView, OffloadResult> answers = new LinkedHashMap<>();
        for (List<ConnView> some : inBatches(connections)) {
            List<OffloadResult> verdicts =
                    perform(some.stream().map(OffloadOperation.Query::new).toList());
            for (int i = 0; i < some.size(); i++) {
                answers.put(some.get(i), verdicts.get(i));
            }
        }
        List<ConnView> accepted = connections.stream()
                .filter(connection -> answers.get(connection) instanceof Verdict.Accept)
                .toList();
        for (List<ConnView> some : inBatches(accepted)) {
            List<OffloadResult> results =
                    perform(some.stream().map(OffloadOperation.Add::new).toList());
            for (int i = 0; i < some.size(); i++) {
                answers.put(some.get(i), results.get(i));
            }
        }
        for (ConnView connection : accepted) {
            PortRef replyIngress = connection.replyIngress();
            if (connection.established() && replyIngress != null && isHeld(connection.id())) {
                performOrDelete(new OffloadOperation.Established(connection, replyIngress));
            }
        }
        return answers;
    }

    /** Has an operation on a connection that is held carried out, and the connection deleted if that fails. */
    OffloadResult performOrDelete(OfConnection operation) throws Exception {
        OffloadResult result = perform(List.of(operation)).getFirst();
        if (result instanceof OffloadResult.Failed
                && isHeld(operation.connection().id())) {
            perform(List.of(new OffloadOperation.Delete(operation.connection(), DelReason.PROVIDER_FAILED)));
        }
        return result;
    }

    /** Has operations carried out, each on another connection; one result each. */
    List<OffloadResult> perform(List<? extends OfConnection> operations) throws Exception {
        return carryOut(operations).results();
    }

    /**
     * Has them carried out in bulk while the machine fails. Returns the answers to the deletes that follow if nobody
     * knows then what was done.
     */
    List<OffloadResult> performWhileTheMachineFails(List<? extends OfConnection> operations) throws Exception {
        operations.forEach(this::show);
        return settle(operations, calls.makeBroken(operations));
    }

    private Outcome carryOut(List<? extends OfConnection> operations) throws Exception {
        operations.forEach(this::show);
        Outcome outcome = calls.make(operations);
        settle(operations, outcome);
        return outcome;
    }

    private void show(OfConnection operation) {
        observer.accept(operation.connection());
        if (operation instanceof OffloadOperation.Add add) {
            reports.give(add.connection().id());
        }
    }

    /**
     * Of a list that nobody knows how far it came, each connection is deleted by itself, but for those that the
     * provider was only asked whether it wants. Returns the answers to that.
     */
    private List<OffloadResult> settle(List<? extends OfConnection> operations, Outcome outcome) throws Exception {
        for (int i = 0; i < operations.size(); i++) {
            note(operations.get(i), outcome.results().get(i));
        }
        List<OffloadResult> answers = new ArrayList<>();
        if (outcome.isBroken()) {
            for (OfConnection operation : operations) {
                if (operation instanceof OffloadOperation.Query || operation instanceof OffloadOperation.PathStats) {
                    continue; // has no effects
                }
                OfConnection delete = switch (operation) {
                    case OffloadOperation.PathPut put ->
                        new OffloadOperation.PathDel(put.connection(), put.path(), PathEnd.PROVIDER_FAILED);
                    case OffloadOperation.PathDel del ->
                        new OffloadOperation.PathDel(del.connection(), del.path(), PathEnd.PROVIDER_FAILED);
                    default -> new OffloadOperation.Delete(operation.connection(), DelReason.PROVIDER_FAILED);
                };
                answers.add(calls.make(List.of(delete)).results().getFirst());
                note(delete, answers.getLast());
            }
        }
        return answers;
    }

    private void note(OfConnection operation, OffloadResult result) {
        ConnView connection = operation.connection();
        switch (operation) {
            case OffloadOperation.Query query -> {}
            case OffloadOperation.Add add -> {
                if (Life.isTaken(result)) {
                    held.put(connection.id(), connection);
                }
            }
            case OffloadOperation.Established established -> {
                held.replace(connection.id(), connection);
                if (result instanceof OffloadResult.Covered covers && covers.both()) {
                    covered.add(connection.id());
                }
            }
            case OffloadOperation.Changed changed -> held.replace(connection.id(), connection);
            case OffloadOperation.Update update -> held.replace(connection.id(), connection);
            case OffloadOperation.PathPut put -> {
                if (result instanceof Verdict.Accept) {
                    carried.put(put.path().id(), put.path());
                } else if (!(result instanceof OffloadResult.Failed)) {
                    pathRefusals.add(result);
                }
            }
            case OffloadOperation.PathDel del -> carried.remove(del.path().id());
            case OffloadOperation.PathStats stats -> {}
            case OffloadOperation.Delete delete -> {
                held.remove(connection.id());
                covered.remove(connection.id());
                reports.takeBack(connection.id());
                deletes.incrementAndGet();
            }
        }
        switch (result) {
            case OffloadResult.LastUsed used -> note(operation, used.epochMs(), used.packets(), used.bytes());
            case OffloadResult.Released released ->
                note(operation, released.epochMs(), released.packets(), released.bytes());
            case OffloadResult.Carried one -> note(operation, one.epochMs(), one.packets(), one.bytes());
            case OffloadResult other -> {}
        }
    }

    private void note(OfConnection operation, long epochMs, long packets, long bytes) {
        long id = operation.connection().id();
        reports.judgeCounts(operation.getClass().getSimpleName(), packets, bytes);
        if (epochMs != 0 && lastUseCount.incrementAndGet() <= LAST_USES_KEPT) {
            lastUses.add(new LastUse(id, epochMs, reports.initMs(), reports.wallMs()));
        }
    }
}
