package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The loading of providers from one place, a jar or the class path, on a thread of its own: static initialisers,
 * constructors, {@code name()} and {@code priority()} are foreign code, which may throw anything and may never return.
 * What is ready counts though the rest hangs; what comes late counts when somebody looks again.
 *
 * <p>Threads: any.
 */
final class ProviderLoading {
    /** How long anybody waits for the providers of all places together. */
    static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(5);

    /** Those very classes: one that is derived from them has foreign code. */
    private static final Set<Class<?>> WRAPPINGS = Set.of(
            InvocationTargetException.class,
            ExceptionInInitializerError.class,
            ServiceConfigurationError.class,
            ConstructorFailure.class);

    private final List<NamedProvider> found = new CopyOnWriteArrayList<>();
    private final FaultLines faults = new FaultLines();
    private final BoundedCall call;
    /** What is being done: {@code its constructor}. */
    private volatile String step = "it";

    /** The work of a place: tells the loading what it finds. */
    @FunctionalInterface
    interface Work {
        void load(ProviderLoading into) throws Exception;
    }

    /**
     * Starts to load.
     *
     * @param place the jar's name
     */
    ProviderLoading(String place, Work work) {
        call = BoundedCall.start("offload-load-" + place, () -> run(work));
    }

    private void run(Work work) {
        try {
            work.load(this);
        } catch (Exception | LinkageError e) {
            fault(ProviderText.of(e));
        }
    }

    // ---- for the work ----

    /** What is done next, as the subject of "… has not returned". */
    void step(String what) {
        step = what;
    }

    /** Something that was left out, in a sentence without the place's name. */
    void fault(String sentence) {
        faults.add(ProviderText.line(sentence));
    }

    /** Makes a provider and asks for its name; it counts from then on. */
    void add(String type, Supplier<? extends OffloadProvider> constructor) {
        step("its constructor");
        OffloadProvider provider;
        try {
            provider = constructor.get();
        } catch (Throwable e) { // contained: a constructor can throw anything
            HeapExhaustion.check(e);
            FailureText failure = FailureText.of(reason(e));
            fault(type + ": its constructor failed with " + failure.text() + failure.place());
            return;
        }
        step("its name");
        switch (ProviderNaming.ask(provider)) {
            case ProviderNaming.Named named -> found.add(named.provider());
            case ProviderNaming.Refused refused -> fault(type + ": " + refused.fault());
        }
    }

    /** What lies below the wrappings of reflection and initialisers. */
    private static Throwable reason(Throwable thrown) {
        Throwable reason = thrown;
        for (int i = 0; i < 4; i++) { // a cause may be its own cause's cause
            Throwable cause = WRAPPINGS.contains(reason.getClass()) ? reason.getCause() : null;
            if (cause == null) {
                return reason;
            }
            reason = cause;
        }
        return reason;
    }

    /** Carries a checked throwable out of a supplier. */
    static final class ConstructorFailure extends RuntimeException {
        private static final long serialVersionUID = 1;

        ConstructorFailure(ReflectiveOperationException cause) {
            super(cause);
        }
    }

    // ---- for who waits ----

    /** Waits for the end. @return whether it has come */
    boolean await(long deadlineNs) {
        return call.await(deadlineNs);
    }

    boolean isOver() {
        return call.isOver();
    }

    /** Those that are ready, in the order in which they were found. */
    List<NamedProvider> providers() {
        return List.copyOf(found);
    }

    /**
     * What was left out and why, a sentence each; to be added to.
     *
     * @param patienceNs how long it was waited for, to be said of one that hangs
     */
    FaultLines faults(long patienceNs) {
        FaultLines all = faults.copy();
        FailureText thrown = call.thrown();
        if (thrown != null) {
            all.addAtAnyRate(thrown.text());
        } else if (!call.isOver()) {
            all.addAtAnyRate(hangs(step, patienceNs, call.whereabouts()));
        }
        return all;
    }

    /** {@code its constructor has not returned within 5 s (is at acme.Card.<init>:12)}. */
    static String hangs(String what, long patienceNs, @Nullable String whereabouts) {
        long ms = TimeUnit.NANOSECONDS.toMillis(patienceNs);
        return what + " has not returned within " + (ms % 1000 == 0 ? ms / 1000 + " s" : ms + " ms")
                + (whereabouts == null ? "" : ", is at " + ProviderText.line(whereabouts));
    }
}
