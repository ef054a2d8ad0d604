package io.turnstile.offload.conformance;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.OfConnection;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.ProviderContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The dispatcher calls a provider as the switch's dispatcher would: in the order that the SPI promises, containing what
 * goes wrong and going on as the SPI says after it, and taking note of what the provider must hold by its own word. It
 * asserts nothing; the tests look at what it noted.
 *
 * <p>Threads: {@link #run} on several at once, each with other connections; the rest while none runs.
 */
final class LegalDispatcher implements ProviderContext {
    static final int BATCH_LENGTH = 32;
    private static final int LIVES_AT_ONCE = 200;
    private static final int LAST_USES_KEPT = 10_000;

    /** An answer to an update other than "unknown", and when it was given; ms since the epoch. */
    record LastUse(long connectionId, long answerMs, long initMs, long nowMs) {}

    private final OffloadProvider provider;
    private final CallWatch watch;
    private final ProviderCalls calls;
    private final LongSupplier wallMs;
    private final int threads;
    private final Map<Long, ConnView> held = new ConcurrentHashMap<>();
    private final Queue<LastUse> lastUses = new ConcurrentLinkedQueue<>();
    private final AtomicInteger lastUseCount = new AtomicInteger();
    private Consumer<ConnView> observer = connection -> {};
    private boolean open;
    private long initMs;

    LegalDispatcher(
            OffloadProvider provider, CallWatch watch, ProviderCalls.Way way, LongSupplier wallMs, int threads) {
        this.provider = provider;
        this.watch = watch;
        this.calls = new ProviderCalls(provider, watch, way);
        this.wallMs = wallMs;
        this.threads = threads;
    }

    @Override
    public long wallMs() {
        return wallMs.getAsLong();
    }

    @Override
    public int threads() {
        return threads;
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

    /** How many connections the provider holds, by its own word. */
    int heldCount() {
        return held.size();
    }

    /** Whether the provider holds this connection, by its own word. */
    boolean isHeld(long connectionId) {
        return held.containsKey(connectionId);
    }

    /** The first answers to updates other than "unknown". */
    List<LastUse> lastUses() {
        return List.copyOf(lastUses);
    }

    /** Is shown every connection that the provider is shown, from now on. */
    void observeConnections(Consumer<ConnView> observer) {
        this.observer = observer;
    }

    // ---- the provider as a whole ----

    /** Brings it up; a throw comes through. */
    void init() throws Exception {
        initMs = wallMs();
        watch.call("init", () -> {
            provider.init(this);
            return null;
        });
        open = true;
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
        OffloadResult answer =
                calls.make(List.of(new OffloadOperation.Flush(reason))).getFirst();
        if (answer instanceof OffloadResult.Done) {
            held.clear();
        } else {
            deleteAll(reason);
        }
        return answer;
    }

    /** A delete for each connection held. */
    void deleteAll(DelReason reason) throws Exception {
        List<ConnView> all = List.copyOf(held.values());
        for (int from = 0; from < all.size(); from += BATCH_LENGTH) {
            perform(all.subList(from, Math.min(all.size(), from + BATCH_LENGTH)).stream()
                    .map(connection -> new OffloadOperation.Delete(connection, reason))
                    .toList());
        }
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
            step(alive.subList(0, Math.min(alive.size(), BATCH_LENGTH)));
            alive.removeIf(Life::isOver);
        }
    }

    /** Drives these lives, no more than a batch, side by side: all operations of a batch are of one kind. */
    void runInStep(List<Life> lives) throws Exception {
        for (List<Life> alive = lives;
                !alive.isEmpty();
                alive = alive.stream().filter(life -> !life.isOver()).toList()) {
            step(alive);
        }
    }

    private void step(List<Life> chosen) throws Exception {
        List<OfConnection> batch = chosen.stream().map(Life::next).toList();
        List<OffloadResult> results = perform(batch);
        for (int i = 0; i < batch.size(); i++) {
            chosen.get(i).answered(results.get(i));
        }
    }

    /** Has operations carried out, each on another connection; one result each. */
    List<OffloadResult> perform(List<? extends OfConnection> operations) throws Exception {
        operations.forEach(operation -> observer.accept(operation.connection()));
        List<OffloadResult> results = calls.make(operations);
        for (int i = 0; i < results.size(); i++) {
            note(operations.get(i), results.get(i));
        }
        return results;
    }

    private void note(OfConnection operation, OffloadResult result) {
        ConnView connection = operation.connection();
        switch (operation) {
            case OffloadOperation.Add add -> {
                if (result instanceof OffloadResult.Done) {
                    held.put(connection.id(), connection);
                }
            }
            case OffloadOperation.Update update -> {
                held.replace(connection.id(), connection);
                if (result instanceof OffloadResult.LastUsed used && used.epochMs() != 0) {
                    note(new LastUse(connection.id(), used.epochMs(), initMs, wallMs()));
                }
            }
            case OffloadOperation.Delete delete -> held.remove(connection.id());
            case OffloadOperation.Query query -> {}
            case OffloadOperation.Established established -> held.replace(connection.id(), connection);
        }
    }

    private void note(LastUse lastUse) {
        if (lastUseCount.incrementAndGet() <= LAST_USES_KEPT) {
            lastUses.add(lastUse);
        }
    }
}
