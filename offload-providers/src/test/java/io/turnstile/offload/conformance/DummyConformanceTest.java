package io.turnstile.offload.conformance;

import io.turnstile.offload.provider.dummy.DummyProvider;
import io.turnstile.offload.spi.OffloadProvider;
import java.util.OptionalLong;

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
