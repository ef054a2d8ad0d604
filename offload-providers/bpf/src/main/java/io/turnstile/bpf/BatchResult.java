package io.turnstile.bpf;

import org.jspecify.annotations.Nullable;

/**
 * How far an operation on many entries came. The kernel stops at the first entry that it cannot do.
 *
 * @param done how many entries were done, from the first on; the next one is the one that failed
 * @param failure why it stopped; null if all were done
 */
public record BatchResult(int done, @Nullable BpfException failure) {
    public boolean isComplete() {
        return failure == null;
    }
}
