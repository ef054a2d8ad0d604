package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The provider answers the operations chosen, if they come in bulk, by {@link OffloadResult.Deferred}: all is done, and
 * answered, at another time on another thread.
 */
public final class DeferringProvider extends HoldingProvider {

    /** How the result comes. */
    public enum Manner {
        /** At once, on another thread. No fault. */
        ELSEWHERE,
        /** When {@link #complete} is called, until which nothing is done: late, or never. */
        WHEN_TOLD,
        /** At once on another thread, which says so twice. */
        TWICE,
        /** Before the operation is handed back; what it says fits no operation. */
        NONSENSE,
        /** It is null. */
        NULL,
        /** It is another one that is deferred. */
        DEFERRED_AGAIN,
        /** A throwable comes in its place; nothing was done. */
        THROWABLE,
        /** There is no stage that it could come by. */
        NO_STAGE
    }

    private final Manner manner;
    private final Set<Callback> deferred = EnumSet.noneOf(Callback.class);
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

    /** @param deferred those of the callbacks that {@code operate} stands for whose operations are deferred */
    public DeferringProvider(String name, Manner manner, Set<Callback> deferred) {
        super(name);
        this.manner = manner;
        this.deferred.addAll(deferred);
        letDeletesMiss(); // the caller may have given up on the add
    }

    /** How many operations wait for {@link #complete}. */
    public int waiting() {
        return waiting.size();
    }

    /** Carries out what waits, on this thread. Returns how many operations that were. */
    public int complete() {
        List<Runnable> now = new ArrayList<>();
        for (Runnable next = waiting.poll(); next != null; next = waiting.poll()) {
            now.add(next);
        }
        now.forEach(Runnable::run);
        return now.size();
    }

    @Override
    public OffloadResult operateOne(OffloadOperation operation) {
        return deferred.contains(callback(operation)) ? defer(operation) : super.operateOne(operation);
    }

    @SuppressWarnings("NullAway") // breaking the rules is what it is for
    private OffloadResult defer(OffloadOperation operation) {
        return new OffloadResult.Deferred(
                switch (manner) {
                    case ELSEWHERE -> CompletableFuture.supplyAsync(() -> super.operateOne(operation));
                    case WHEN_TOLD -> {
                        CompletableFuture<OffloadResult> result = new CompletableFuture<>();
                        waiting.add(() -> result.complete(super.operateOne(operation)));
                        yield result;
                    }
                    case TWICE -> new SaidTwice().completeAsync(() -> super.operateOne(operation));
                    case NONSENSE ->
                        CompletableFuture.completedFuture(
                                operation instanceof OffloadOperation.Update
                                        ? OffloadResult.ONE_BY_ONE
                                        : new OffloadResult.LastUsed(-1, -1, -1));
                    case NULL -> CompletableFuture.<OffloadResult>completedFuture(null);
                    case DEFERRED_AGAIN ->
                        CompletableFuture.completedFuture(
                                new OffloadResult.Deferred(CompletableFuture.completedFuture(OffloadResult.DONE)));
                    case THROWABLE ->
                        CompletableFuture.<OffloadResult>failedFuture(new IllegalStateException("told to fail"));
                    case NO_STAGE -> null;
                });
    }

    private static Callback callback(OffloadOperation operation) {
        return switch (operation) {
            case OffloadOperation.Query query -> Callback.CAN_OFFLOAD;
            case OffloadOperation.Add add -> Callback.ADD;
            case OffloadOperation.Established established -> Callback.ESTABLISHED;
            case OffloadOperation.Changed changed -> Callback.CHANGED;
            case OffloadOperation.Update update -> Callback.UPDATE;
            case OffloadOperation.Delete delete -> Callback.DEL;
            case OffloadOperation.PathPut put -> Callback.PATH_PUT;
            case OffloadOperation.PathDel del -> Callback.PATH_DEL;
            case OffloadOperation.PathStats stats -> Callback.PATH_STATS;
            case OffloadOperation.Flush flush -> Callback.FLUSH;
        };
    }

    /** Whoever waits for it is told twice. */
    private static final class SaidTwice extends CompletableFuture<OffloadResult> {
        @Override
        public CompletableFuture<OffloadResult> whenComplete(
                BiConsumer<? super OffloadResult, ? super Throwable> action) {
            return super.whenComplete((@Nullable OffloadResult result, @Nullable Throwable thrown) -> {
                action.accept(result, thrown);
                action.accept(result, thrown);
            });
        }
    }
}
