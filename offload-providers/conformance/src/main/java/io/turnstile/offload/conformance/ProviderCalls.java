package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The caller hands operations to a provider by one of the two sides of the SPI, and has one fitting result for each
 * whatever the provider does: what it throws, and what breaks the rules for answers, becomes
 * {@link OffloadResult.Failed} and is noted. Results that are deferred are waited for. Threads: any.
 */
final class ProviderCalls {
    private static final int FAILURES_KEPT = 20;

    /** The side of the SPI by which the provider is called. */
    enum Way {
        BULK,
        SINGLE
    }

    /** Something that went wrong. Keeps no connection: whether the provider does is a question of its own. */
    record Failure(String operation, String reason) {
        @Override
        public String toString() {
            return operation + ": " + reason;
        }
    }

    /**
     * What became of operations.
     *
     * @param results one fitting result for each, in the same order
     * @param isBroken nobody knows what was done
     */
    record Outcome(List<OffloadResult> results, boolean isBroken) {}

    /** A list of operations of which only the first half can be read: the machine has failed in the middle of it. */
    private static final class BrokenList extends AbstractList<OffloadOperation> {
        private final List<OffloadOperation> operations;

        BrokenList(List<OffloadOperation> operations) {
            this.operations = operations;
        }

        @Override
        public int size() {
            return operations.size();
        }

        @Override
        public OffloadOperation get(int index) {
            if (index >= operations.size() / 2) {
                throw new InternalError("a failure of the machine, played by the conformance kit");
            }
            return operations.get(index);
        }
    }

    /** What a call to {@code operate} gave; a provider may break the rules and give null. */
    private record BulkAnswer(
            @Nullable List<OffloadResult> results, @Nullable Throwable thrown) {}

    private final OffloadProvider provider;
    private final CallWatch watch;
    private final Way way;
    private final Duration deferredLimit;
    private final Map<Class<? extends OffloadOperation>, Queue<Failure>> failures = new ConcurrentHashMap<>();
    private final Queue<Failure> misfits = new ConcurrentLinkedQueue<>();
    private final Queue<Failure> refusedNotices = new ConcurrentLinkedQueue<>();

    ProviderCalls(OffloadProvider provider, CallWatch watch, Way way, Duration deferredLimit) {
        this.provider = provider;
        this.watch = watch;
        this.way = way;
        this.deferredLimit = deferredLimit;
    }

    /** The first failures of operations of this kind. */
    List<Failure> failures(Class<? extends OffloadOperation> kind) {
        return List.copyOf(failures.getOrDefault(kind, new ConcurrentLinkedQueue<>()));
    }

    /** The first of the answers that broke the rules for answers. */
    List<Failure> misfits() {
        return List.copyOf(misfits);
    }

    /** The first of the throws out of callbacks about ports and settings with such names. */
    List<Failure> refusedNotices(String callbacks) {
        return refusedNotices.stream()
                .filter(refused -> refused.operation().matches(callbacks + ".*"))
                .toList();
    }

    /** Has operations carried out. */
    Outcome make(List<? extends OffloadOperation> asked) throws Exception {
        List<OffloadOperation> operations = List.copyOf(asked);
        return noted(
                operations,
                switch (way) {
                    case BULK -> inBulk(operations, operations);
                    case SINGLE -> new Outcome(oneByOne(operations), false);
                });
    }

    /** Has operations carried out in bulk while the machine fails, for which nobody blames the provider. */
    Outcome makeBroken(List<? extends OffloadOperation> asked) throws Exception {
        List<OffloadOperation> operations = List.copyOf(asked);
        return inBulk(operations, new BrokenList(operations));
    }

    private Outcome noted(List<OffloadOperation> operations, Outcome outcome) {
        for (int i = 0; i < operations.size(); i++) {
            if (outcome.results().get(i) instanceof OffloadResult.Failed failed) {
                note(operations.get(i), failed.reason());
            }
        }
        return outcome;
    }

    /** Tells of something that is no operation and has no answer. */
    void notice(String callback, String what, Runnable call) throws Exception {
        Throwable thrown = watch.call(callback, () -> {
            try {
                call.run();
                return null;
            } catch (Throwable e) { // as with operate
                return e;
            }
        });
        if (thrown != null && refusedNotices.size() < FAILURES_KEPT) {
            refusedNotices.add(new Failure(callback + " " + what, thrown.toString()));
        }
    }

    private Outcome inBulk(List<OffloadOperation> operations, List<OffloadOperation> handedOver) throws Exception {
        BulkAnswer answer = watch.call("operate", () -> operate(handedOver));
        List<OffloadResult> given = answer.results();
        if (answer.thrown() != null) {
            return broken(operations, "operate threw " + answer.thrown());
        }
        if (given == null || given.size() != operations.size()) {
            return broken(operations, (given == null ? "no" : given.size()) + " results for " + operations.size());
        }
        List<OffloadResult> results = new ArrayList<>(given);
        for (int i = 0; i < results.size(); i++) {
            OffloadOperation operation = operations.get(i);
            OffloadResult result = results.get(i);
            if (result instanceof OffloadResult.Deferred deferred && !(operation instanceof OffloadOperation.Flush)) {
                result = await(operation, deferred);
                results.set(i, result);
            }
            if (!operation.isAnsweredBy(result)) {
                String reason = "answered " + result;
                keep(misfits, operation, reason);
                results.set(i, new OffloadResult.Failed(reason, null));
            }
        }
        return new Outcome(results, false);
    }

    private @Nullable OffloadResult await(OffloadOperation operation, OffloadResult.Deferred deferred)
            throws Exception {
        CompletableFuture<@Nullable OffloadResult> arrived = new CompletableFuture<>();
        String name = "the deferred result of " + nameOfCallback(operation);
        return watch.call(name, deferredLimit, () -> {
            try {
                deferred.result().whenComplete((result, thrown) -> {
                    boolean isFirst = arrived.complete(
                            thrown == null ? result : new OffloadResult.Failed(thrown.toString(), thrown));
                    if (!isFirst) {
                        keep(misfits, operation, "came twice");
                    }
                });
            } catch (Throwable e) { // as with operate; a stage that is not there, too
                return null;
            }
            // A little longer, so that it is the watch that gives up.
            return arrived.get(2 * deferredLimit.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    private BulkAnswer operate(List<OffloadOperation> operations) {
        try {
            return new BulkAnswer(provider.operate(operations), null);
        } catch (Throwable e) { // whatever it is, it is the provider's: a finding, not the end of the test
            return new BulkAnswer(null, e);
        }
    }

    private Outcome broken(List<OffloadOperation> operations, String reason) {
        operations.forEach(operation -> keep(misfits, operation, reason));
        return new Outcome(Collections.nCopies(operations.size(), new OffloadResult.Failed(reason, null)), true);
    }

    private List<OffloadResult> oneByOne(List<OffloadOperation> operations) throws Exception {
        List<OffloadResult> results = new ArrayList<>(operations.size());
        for (OffloadOperation operation : operations) {
            results.add(watch.call(nameOfCallback(operation), () -> singly(operation)));
        }
        return results;
    }

    private OffloadResult singly(OffloadOperation operation) {
        try {
            OffloadResult result = switch (operation) {
                case OffloadOperation.Query query -> provider.canOffload(query.connection());
                case OffloadOperation.Add add -> provider.connAdd(add.connection());
                case OffloadOperation.Established established ->
                    new OffloadResult.Covered(
                            provider.connEstablished(established.connection(), established.replyIngress()));
                case OffloadOperation.Changed changed -> {
                    provider.connChanged(changed.connection(), changed.changes());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Update update ->
                    new OffloadResult.LastUsed(provider.connUpdate(update.connection()));
                case OffloadOperation.Delete delete -> {
                    provider.connDel(delete.connection(), delete.reason());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.PathPut put -> provider.pathPut(put.connection(), put.path());
                case OffloadOperation.PathDel del -> provider.pathDel(del.connection(), del.path(), del.reason());
                case OffloadOperation.PathStats stats -> provider.pathStats(stats.connection(), stats.path());
                case OffloadOperation.Flush flush ->
                    provider.connFlush(flush.reason()) ? OffloadResult.DONE : OffloadResult.ONE_BY_ONE;
            };
            return result == null ? new OffloadResult.Failed("answered null", null) : result;
        } catch (Throwable e) { // as above
            return new OffloadResult.Failed(e.toString(), e);
        }
    }

    private static String nameOfCallback(OffloadOperation operation) {
        return switch (operation) {
            case OffloadOperation.Query query -> "canOffload";
            case OffloadOperation.Add add -> "connAdd";
            case OffloadOperation.Established established -> "connEstablished";
            case OffloadOperation.Changed changed -> "connChanged";
            case OffloadOperation.Update update -> "connUpdate";
            case OffloadOperation.Delete delete -> "connDel";
            case OffloadOperation.PathPut put -> "pathPut";
            case OffloadOperation.PathDel del -> "pathDel";
            case OffloadOperation.PathStats stats -> "pathStats";
            case OffloadOperation.Flush flush -> "connFlush";
        };
    }

    private void note(OffloadOperation operation, String reason) {
        keep(failures.computeIfAbsent(operation.getClass(), kind -> new ConcurrentLinkedQueue<>()), operation, reason);
    }

    private static void keep(Queue<Failure> some, OffloadOperation operation, String reason) {
        if (some.size() < FAILURES_KEPT) {
            some.add(new Failure(operation.toString(), reason));
        }
    }
}
