package io.turnstile.offload;

import io.turnstile.offload.conformance.IdleProvider;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.ProviderContext;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** Answers whole batches as told, and remembers what they were. */
final class BulkProvider extends IdleProvider {
    volatile Function<List<OffloadOperation>, List<OffloadResult>> script;
    volatile ProviderContext context;
    final List<OffloadOperation> heard = new CopyOnWriteArrayList<>();

    BulkProvider(String name, Function<List<OffloadOperation>, List<OffloadResult>> script) {
        super(name);
        this.script = script;
    }

    /** What a provider answers that has nothing against anything. */
    static OffloadResult agreeing(OffloadOperation operation) {
        return switch (operation) {
            case OffloadOperation.Query q -> OffloadResult.ACCEPT;
            case OffloadOperation.Add a -> OffloadResult.DONE;
            case OffloadOperation.Established e -> new OffloadResult.Covered(true);
            case OffloadOperation.Changed c -> OffloadResult.DONE;
            case OffloadOperation.Update u -> new OffloadResult.LastUsed(0);
            case OffloadOperation.Delete d -> OffloadResult.DONE;
            case OffloadOperation.PathPut p -> OffloadResult.ACCEPT;
            case OffloadOperation.PathDel p -> OffloadResult.Carried.UNKNOWN;
            case OffloadOperation.PathStats p -> OffloadResult.Carried.UNKNOWN;
            case OffloadOperation.Flush f -> OffloadResult.ONE_BY_ONE;
        };
    }

    static List<OffloadResult> agreeing(List<OffloadOperation> operations) {
        return operations.stream().map(BulkProvider::agreeing).toList();
    }

    List<OffloadEvent.Kind> kinds() {
        return heard.stream().map(OffloadEvent.Kind::of).toList();
    }

    @Override
    public void init(ProviderContext context) {
        this.context = context;
    }

    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        heard.addAll(operations);
        return script.apply(operations);
    }
}
