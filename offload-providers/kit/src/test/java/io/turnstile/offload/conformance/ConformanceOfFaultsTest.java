package io.turnstile.offload.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.turnstile.offload.provider.fault.Callback;
import io.turnstile.offload.provider.fault.HangingProvider;
import io.turnstile.offload.provider.fault.HoldingProvider;
import io.turnstile.offload.provider.fault.InitFailingProvider;
import io.turnstile.offload.provider.fault.ThrowingProvider;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.time.ManualClock;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

/** The kit finds each fault, by the tests about it and by no others. */
class ConformanceOfFaultsTest {
    private static final String FROM_HERE = "kit.under.test";
    private static final Set<String> ABOUT_ROOM =
            Set.of("aFullTableSaysLater", "noMoreIsHeldThanThereIsRoomFor", "whatWasToldLaterIsTakenWhenThereIsRoom");
    private static final Duration SOON = Duration.ofSeconds(10);

    /** The kit on a provider with the fault under test. Nested, so that no build runs it as a test of its own. */
    @ExtendWith(OnlyFromHere.class)
    static class OfFault extends OffloadProviderConformance {
        private static volatile Fault fault;
        private static final Queue<HangingProvider> HANGING = new ConcurrentLinkedQueue<>();
        private final ManualClock clock = new ManualClock(0, 0);

        @Override
        protected OffloadProvider newProvider() {
            OffloadProvider provider = fault.newProvider(clock);
            if (provider instanceof HangingProvider hanging) {
                HANGING.add(hanging);
            }
            return provider;
        }

        @Override
        protected OptionalLong heldBy(OffloadProvider provider) {
            return OptionalLong.of(((HoldingProvider) provider).heldCount());
        }

        @Override
        protected Duration hangLimit() {
            return fault.name().startsWith("HANGS") ? Duration.ofMillis(200) : Duration.ofSeconds(10);
        }

        @Override
        protected Duration deferredLimit() {
            return fault == Fault.DEFERS_FOR_EVER ? Duration.ofMillis(200) : Duration.ofSeconds(10);
        }

        @Override
        protected OptionalInt room() {
            return fault.room();
        }

        @Override
        protected int heldAtOnce() {
            return 400;
        }

        @Override
        protected int lives() {
            return 1_000;
        }

        @Override
        protected int rememberedConnections() {
            return 200;
        }

        @Override
        protected long nowNs() {
            return clock.nowNs();
        }
    }

    /** Does not come up, and nobody can say what it holds. */
    @ExtendWith(OnlyFromHere.class)
    static class OfFailedInit extends OffloadProviderConformance {
        @Override
        protected OffloadProvider newProvider() {
            return new InitFailingProvider("p", "no such device");
        }
    }

    /** A good provider of which nobody can say what it holds. */
    @ExtendWith(OnlyFromHere.class)
    static class OfUnknownHoldings extends OffloadProviderConformance {
        @Override
        protected OffloadProvider newProvider() {
            return new ThrowingProvider("p", EnumSet.noneOf(Callback.class));
        }

        @Override
        protected int heldAtOnce() {
            return 400;
        }

        @Override
        protected int lives() {
            return 1_000;
        }
    }

    /** A good provider whose single callbacks do not work. */
    @ExtendWith(OnlyFromHere.class)
    static class OfBulkOnly extends OffloadProviderConformance {
        @Override
        protected OffloadProvider newProvider() {
            return new OddProviders.BulkOnly();
        }

        @Override
        protected OptionalLong heldBy(OffloadProvider provider) {
            return OptionalLong.of(((HoldingProvider) provider).heldCount());
        }

        @Override
        protected boolean worksSingly() {
            return false;
        }

        @Override
        protected int heldAtOnce() {
            return 400;
        }

        @Override
        protected int lives() {
            return 1_000;
        }
    }

    /** Keeps the nested kits from being run by anybody else, whatever classes a build is told to look for. */
    static final class OnlyFromHere implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return context.getConfigurationParameter(FROM_HERE).isPresent()
                    ? ConditionEvaluationResult.enabled("run by the test of the kit")
                    : ConditionEvaluationResult.disabled("its failures are the subject of another test");
        }
    }

    private static Events run(Class<?> kit) {
        return EngineTestKit.engine("junit-jupiter")
                .configurationParameter(FROM_HERE, "yes")
                .selectors(selectClass(kit))
                .execute()
                .testEvents();
    }

    private static Set<String> names(Events events) {
        return events.stream()
                .map(event -> event.getTestDescriptor().getSource().orElseThrow())
                .map(source -> ((MethodSource) source).getMethodName())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> allTests() {
        return Arrays.stream(OffloadProviderConformance.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @ParameterizedTest
    @EnumSource
    void eachFaultFailsExactlyTheTestsAboutIt(Fault fault) throws InterruptedException {
        OfFault.fault = fault;
        Events events = run(OfFault.class);
        assertThat(names(events.failed())).isEqualTo(new TreeSet<>(fault.failedTests()));
        assertThat(names(events.aborted())).isEqualTo(fault.room().isPresent() ? Set.of() : ABOUT_ROOM);
        releaseThreads();
    }

    private static void releaseThreads() throws InterruptedException {
        for (HangingProvider hanging = OfFault.HANGING.poll(); hanging != null; hanging = OfFault.HANGING.poll()) {
            hanging.release();
            assertThat(hanging.awaitFree(SOON)).isTrue();
        }
    }

    @Test
    void everyTestOfTheKitIsFailedBySomeFault() {
        Set<String> failed = Arrays.stream(Fault.values())
                .flatMap(fault -> fault.failedTests().stream())
                .collect(Collectors.toCollection(TreeSet::new));
        failed.add("itComesUp"); // by the one below
        assertThat(failed).isEqualTo(allTests());
    }

    @Test
    void ofAProviderThatDoesNotComeUpOnlyTheNameAndTheDescriptionAreRight() {
        Events events = run(OfFailedInit.class);
        assertThat(names(events.succeeded())).containsExactly("itDescribesItselfBeforeInit", "nameIsWellFormed");
        assertThat(names(events.aborted())).isEqualTo(ABOUT_ROOM);
        assertThat(names(events.failed())).contains("itComesUp");
    }

    @Test
    void testsThatNeedToKnowWhatIsHeldAreAbortedWhenNobodyCanSay() {
        Events events = run(OfUnknownHoldings.class);
        assertThat(names(events.failed())).isEmpty();
        assertThat(names(events.aborted()))
                .containsExactly(
                        "aFullTableSaysLater",
                        "afterAFlushNothingIsHeld",
                        "afterCloseNothingIsHeld",
                        "bulkHoldsWhatSingleCallbacksHold",
                        "itHoldsWhatItTookAndNothingElse",
                        "manyThreadsLoseNothing",
                        "noMoreIsHeldThanThereIsRoomFor",
                        "nothingIsHeldAfterManyLives",
                        "whatWasToldLaterIsTakenWhenThereIsRoom");
    }

    @Test
    void aProviderThatAnswersInBulkOnlyIsNotAskedSingly() {
        Events events = run(OfBulkOnly.class);
        assertThat(names(events.failed())).isEmpty();
        Set<String> aborted = new TreeSet<>(ABOUT_ROOM);
        aborted.addAll(Set.of(
                "bulkAnswersAsSingleCallbacksDo",
                "bulkHoldsWhatSingleCallbacksHold",
                "aFlushAnswersAlikeInBulkAndSingly",
                "pathsInBulkAreAnsweredAsSingly"));
        assertThat(names(events.aborted())).isEqualTo(aborted);
    }

    /** The list of what is checked stands in the documentation of the kit. */
    @Test
    void theListOfTheKitHasEachTest() throws IOException {
        Path source = sourceOf(OffloadProviderConformance.class);
        String text = Files.readString(source);
        String list = text.substring(0, text.indexOf("public abstract class"));
        assertThat(allTests()).allSatisfy(test -> assertThat(list).containsPattern("\\b" + test + "\\b"));
    }

    private static Path sourceOf(Class<?> type) {
        String inModule =
                "offload-providers/conformance/src/main/java/" + type.getName().replace('.', '/') + ".java";
        return Stream.iterate(Path.of("").toAbsolutePath(), Objects::nonNull, Path::getParent)
                .map(folder -> folder.resolve(inModule))
                .filter(Files::exists)
                .findFirst()
                .orElseThrow();
    }
}
