package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * The caller hands operations to a provider by one of the two sides of the SPI, and has one fitting result for each
 * whatever the provider does: what it throws, and what breaks the rules for answers, becomes
 * {@link OffloadResult.Failed} and is noted. Threads: any.
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

    /** What a call to {@code operate} gave; a provider may break the rules and give null. */
    private record BulkAnswer(
            @Nullable List<OffloadResult> results, @Nullable Throwable thrown) {}

    private final OffloadProvider provider;
    private final CallWatch watch;
    private final Way way;
    private final Map<Class<? extends OffloadOperation>, Queue<Failure>> failures = new ConcurrentHashMap<>();
    private final Queue<Failure> misfits = new ConcurrentLinkedQueue<>();

    ProviderCalls(OffloadProvider provider, CallWatch watch, Way way) {
        this.provider = provider;
        this.watch = watch;
        this.way = way;
    }

    /** The first failures of operations of this kind. */
    List<Failure> failures(Class<? extends OffloadOperation> kind) {
        return List.copyOf(failures.getOrDefault(kind, new ConcurrentLinkedQueue<>()));
    }

    /** The first of the answers that broke the rules for answers. */
    List<Failure> misfits() {
        return List.copyOf(misfits);
    }

    /** One fitting result for each, in the same order. */
    List<OffloadResult> make(List<? extends OffloadOperation> asked) throws Exception {
        List<OffloadOperation> operations = List.copyOf(asked);
        List<OffloadResult> results = switch (way) {
            case BULK -> inBulk(operations);
            case SINGLE -> oneByOne(operations);
        };
        for (int i = 0; i < results.size(); i++) {
            if (results.get(i) instanceof OffloadResult.Failed failed) {
                note(operations.get(i), failed.reason());
            }
        }
        return results;
    }

    private List<OffloadResult> inBulk(List<OffloadOperation> operations) throws Exception {
        BulkAnswer answer = watch.call("operate", () -> operate(operations));
        List<OffloadResult> given = answer.results();
        if (answer.thrown() != null) {
            return allMisfit(operations, "operate threw " + answer.thrown());
        }
        if (given == null || given.size() != operations.size()) {
            return allMisfit(operations, (given == null ? "no" : given.size()) + " results for " + operations.size());
        }
        List<OffloadResult> results = new ArrayList<>(given);
        for (int i = 0; i < results.size(); i++) {
            if (!operations.get(i).isAnsweredBy(results.get(i))) {
                String reason = "answered " + results.get(i);
                keep(misfits, operations.get(i), reason);
                results.set(i, new OffloadResult.Failed(reason, null));
            }
        }
        return results;
    }

    private BulkAnswer operate(List<OffloadOperation> operations) {
        try {
            return new BulkAnswer(provider.operate(operations), null);
        } catch (Throwable e) { // whatever it is, it is the provider's: a finding, not the end of the test
            return new BulkAnswer(null, e);
        }
    }

    private List<OffloadResult> allMisfit(List<OffloadOperation> operations, String reason) {
        operations.forEach(operation -> keep(misfits, operation, reason));
        return Collections.nCopies(operations.size(), new OffloadResult.Failed(reason, null));
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
                case OffloadOperation.Add add -> {
                    provider.connAdd(add.connection());
                    yield OffloadResult.DONE;
                }
                case OffloadOperation.Established established ->
                    new OffloadResult.Covered(
                            provider.connEstablished(established.connection(), established.replyIngress()));
                case OffloadOperation.Update update ->
                    new OffloadResult.LastUsed(provider.connUpdate(update.connection()));
                case OffloadOperation.Delete delete -> {
                    provider.connDel(delete.connection(), delete.reason());
                    yield OffloadResult.DONE;
                }
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
            case OffloadOperation.Update update -> "connUpdate";
            case OffloadOperation.Delete delete -> "connDel";
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
