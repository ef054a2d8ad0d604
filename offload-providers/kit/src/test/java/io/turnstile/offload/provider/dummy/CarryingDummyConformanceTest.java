package io.turnstile.offload.provider.dummy;

import io.turnstile.offload.conformance.OffloadProviderConformance;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.OptionalLong;

/** The same of one that says that it carries, some kinds of paths not. */
class CarryingDummyConformanceTest extends OffloadProviderConformance {

    @Override
    protected OffloadProvider newProvider() {
        DummyProvider dummy = new DummyProvider();
        dummy.carry(true);
        dummy.answerPath(
                path -> path.guard().isEmpty() ? Verdict.decline("a path has to have a guard") : Verdict.accept());
        dummy.answerCarried(path -> new OffloadResult.Carried(0, 3, 300));
        return dummy;
    }

    @Override
    protected OptionalLong heldBy(OffloadProvider provider) {
        return OptionalLong.of(((DummyProvider) provider).held().size());
    }
}
