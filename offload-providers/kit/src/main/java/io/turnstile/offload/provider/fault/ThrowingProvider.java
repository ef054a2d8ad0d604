package io.turnstile.offload.provider.fault;

import java.util.EnumSet;
import java.util.Set;

/**
 * The provider takes everything, and throws an {@link IllegalStateException} out of the callbacks chosen. What it
 * throws out of has had no effect, but {@code connDel} and {@code close}, which let go all the same, as the SPI
 * assumes. {@link #throwFrom} chooses anew at any time.
 */
public final class ThrowingProvider extends HoldingProvider {
    private volatile Set<Callback> throwing;

    public ThrowingProvider(String name, Set<Callback> throwing) {
        super(name);
        throwFrom(throwing);
    }

    /** Makes exactly these throw from now on. */
    public void throwFrom(Set<Callback> callbacks) {
        EnumSet<Callback> chosen = EnumSet.noneOf(Callback.class);
        chosen.addAll(callbacks);
        throwing = chosen;
    }

    @Override
    protected void meet(Callback callback) {
        if (throwing.contains(callback)) {
            throw new IllegalStateException("told to throw from " + callback);
        }
    }
}
