package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.conformance.OffloadProviderConformance;
import io.turnstile.offload.spi.OffloadProvider;
import java.util.OptionalLong;

/** Stands outside of the package of the kit, as a vendor's test does. */
class DummyConformanceTest extends OffloadProviderConformance {

    @Override
    protected OffloadProvider newProvider() {
        return new DummyProvider();
    }

    @Override
    protected OptionalLong heldBy(OffloadProvider provider) {
        return OptionalLong.of(((DummyProvider) provider).held().size());
    }
}
