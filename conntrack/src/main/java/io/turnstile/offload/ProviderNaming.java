package io.turnstile.offload;

import io.turnstile.offload.spi.OffloadProvider;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What comes of asking a provider for its name and priority. */
sealed interface ProviderNaming {

    /** It has said both. */
    record Named(NamedProvider provider) implements ProviderNaming {}

    /**
     * It cannot be registered.
     *
     * @param shownName what it calls itself, made fit to be shown, or its class
     * @param fault a sentence
     * @param thrown what it threw, if that is the reason
     */
    record Refused(String shownName, String fault, @Nullable FailureText thrown) implements ProviderNaming {}

    /** Asks on the calling thread: may hang, but throws nothing. */
    static ProviderNaming ask(OffloadProvider provider) {
        String type = ProviderText.line(provider.getClass().getName());
        String asked = "name";
        try {
            String name = provider.name();
            asked = "priority";
            int priority = provider.priority();
            String fault = NamedProvider.fault(name);
            return fault == null
                    ? new Named(new NamedProvider(name, priority, provider))
                    : new Refused(ProviderText.line(String.valueOf(name)), fault, null);
        } catch (Throwable e) { // contained: one that cannot even say its name is left out
            HeapExhaustion.check(e);
            FailureText failure = FailureText.of(e);
            return new Refused(type, "its " + asked + " failed with " + failure.text(), failure);
        }
    }

    /** Asks on another thread, and waits only so long. */
    static ProviderNaming askWithin(OffloadProvider provider, long limitNs) {
        AtomicReference<@Nullable ProviderNaming> answer = new AtomicReference<>();
        String type = ProviderText.line(provider.getClass().getName());
        BoundedCall call = BoundedCall.start(
                "offload-name-" + ProviderText.simpleName(provider.getClass()), () -> answer.set(ask(provider)));
        call.await(System.nanoTime() + limitNs);
        ProviderNaming given = answer.get();
        if (given != null) {
            return given;
        }
        FailureText thrown = call.thrown();
        return thrown == null
                ? new Refused(type, ProviderLoading.hangs("its name", limitNs, call.whereabouts()), null)
                : new Refused(type, "its name failed with " + thrown.text(), thrown);
    }
}
