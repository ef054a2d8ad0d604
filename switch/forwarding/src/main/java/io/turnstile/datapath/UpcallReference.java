package io.turnstile.datapath;

import org.jspecify.annotations.Nullable;

/**
 * The pipeline that a datapath asks: none until {@link Datapath#setUpcall} names it.
 *
 * <p>Threads: any.
 */
final class UpcallReference {
    private volatile @Nullable Upcall upcall;

    void set(Upcall upcall) {
        this.upcall = upcall;
    }

    /** Whether there is a pipeline. */
    boolean isPresent() {
        return upcall != null;
    }

    /** @throws IllegalStateException if no pipeline has been named yet */
    Upcall get() {
        Upcall present = upcall;
        if (present == null) {
            throw new IllegalStateException("the datapath has no pipeline to ask");
        }
        return present;
    }
}
