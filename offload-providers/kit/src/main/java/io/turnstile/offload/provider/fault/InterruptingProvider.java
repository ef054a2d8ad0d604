package io.turnstile.offload.provider.fault;

import java.util.EnumSet;
import java.util.Set;

/** The provider does everything right, but leaves the thread that called the callbacks chosen interrupted. */
public final class InterruptingProvider extends HoldingProvider {
    private final Set<Callback> interrupting = EnumSet.noneOf(Callback.class);

    public InterruptingProvider(String name, Set<Callback> interrupting) {
        super(name);
        this.interrupting.addAll(interrupting);
    }

    @Override
    protected void meet(Callback callback) {
        if (interrupting.contains(callback)) {
            Thread.currentThread().interrupt();
        }
    }
}
