package io.turnstile.offload.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.conformance.Life.Step;
import io.turnstile.offload.conformance.ProviderCalls.Way;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The part of the kit about paths. Of a provider that does not carry there is nothing to check. Which paths it accepts
 * is its own affair.
 */
abstract class PathConformance extends ProviderUnderTest {
    private static final int CONNECTIONS = 10 * SampleConnections.Kind.values().length;
    private static final int ROUNDS = 3;
    private static final long SEED = 21;

    /** What a test does with a provider that carries, and the connections that it covers in both directions. */
    private interface PathCheck {
        void with(LegalDispatcher dispatcher, List<ConnView> covered) throws Exception;
    }

    private void checkPaths(Way way, PathCheck check) throws Exception {
        check(way, dispatcher -> {
            if (dispatcher.carries()) {
                check.with(dispatcher, cover(dispatcher, 0, CONNECTIONS));
            }
        });
    }

    private static List<ConnView> cover(LegalDispatcher dispatcher, int from, int to) throws Exception {
        dispatcher.run(
                IntStream.range(from, to)
                        .mapToObj(number -> Life.of(number, DelReason.EXPIRED, Step.QUERY, Step.ADD, Step.ESTABLISHED))
                        .toList(),
                SEED);
        return dispatcher.covered().stream()
                .sorted(Comparator.comparingLong(ConnView::id))
                .toList();
    }

    /** Offers a path of each direction of each connection. Returns the kinds of answers. */
    private static Map<String, String> offer(LegalDispatcher dispatcher, List<ConnView> covered, int round)
            throws Exception {
        Map<String, String> answers = new TreeMap<>();
        SamplePaths.Kind[] kinds = SamplePaths.Kind.values();
        for (Direction direction : Direction.values()) {
            List<OffloadOperation.PathPut> puts = new ArrayList<>();
            for (ConnView connection : covered) {
                SamplePaths.Kind kind =
                        kinds[Math.floorMod(connection.id() + round + direction.ordinal(), kinds.length)];
                puts.add(new OffloadOperation.PathPut(
                        connection, SamplePaths.of(connection, direction, kind, dispatcher.nextPathId())));
            }
            List<OffloadResult> results = dispatcher.performInBatches(puts);
            for (int i = 0; i < puts.size(); i++) {
                answers.put(
                        covered.get(i).id() + " " + direction,
                        results.get(i).getClass().getSimpleName());
            }
        }
        return answers;
    }

    @Test
    protected void whetherItCarriesNeverChanges() throws Exception {
        check(dispatcher -> {
            boolean first = dispatcher.provider().carries();
            cover(dispatcher, 0, CONNECTIONS);
            assertThat(dispatcher.provider().carries()).isEqualTo(first);
            dispatcher.leave();
            assertThat(dispatcher.provider().carries()).isEqualTo(first);
        });
    }

    @Test
    protected void noPathOperationFails() throws Exception {
        for (Way way : ways()) {
            checkPaths(way, (dispatcher, covered) -> {
                for (int round = 0; round < ROUNDS; round++) {
                    offer(dispatcher, covered, round);
                    askAll(dispatcher);
                    dispatcher.endPaths(dispatcher.carried(), PathEnd.RULES_CHANGED);
                }
                assertNoPathFailed(dispatcher);
                assertThat(dispatcher.reports().findings()).isEmpty();
            });
        }
    }

    private static void askAll(LegalDispatcher dispatcher) throws Exception {
        for (Path path : dispatcher.carried()) {
            dispatcher.perform(List.of(new OffloadOperation.PathStats(dispatcher.heldAs(path.connectionId()), path)));
        }
    }

    private static void assertNoPathFailed(LegalDispatcher dispatcher) {
        assertThatNothingFailed(dispatcher, OffloadOperation.PathPut.class);
        assertThatNothingFailed(dispatcher, OffloadOperation.PathDel.class);
        assertThatNothingFailed(dispatcher, OffloadOperation.PathStats.class);
    }

    @Test
    protected void everyReasonEndsAPath() throws Exception {
        checkPaths(Way.BULK, (dispatcher, covered) -> {
            for (PathEnd reason : PathEnd.values()) {
                offer(dispatcher, covered, reason.ordinal());
                dispatcher.endPaths(dispatcher.carried(), reason);
            }
            assertNoPathFailed(dispatcher);
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void refusalsOfPathsHaveAReason() throws Exception {
        checkPaths(Way.BULK, (dispatcher, covered) -> {
            offer(dispatcher, covered, 0);
            for (OffloadResult refusal : dispatcher.pathRefusals()) {
                String reason = switch (refusal) {
                    case Verdict.Decline decline -> decline.reason();
                    case Verdict.Later later -> later.reason();
                    default -> "";
                };
                assertThat(reason).as("reason of %s", refusal).isNotBlank();
            }
        });
    }

    @Test
    protected void pathsInBulkAreAnsweredAsSingly() throws Exception {
        assumeItWorksSingly();
        List<Map<String, String>> answers = new ArrayList<>();
        for (Way way : ways()) {
            checkPaths(way, (dispatcher, covered) -> answers.add(offer(dispatcher, covered, 0)));
        }
        if (!answers.isEmpty()) {
            assertThat(answers.getFirst()).isEqualTo(answers.getLast());
        }
    }

    @Test
    protected void connectionsThatWereCarriedLeaveQuietly() throws Exception {
        checkPaths(Way.BULK, (dispatcher, covered) -> {
            offer(dispatcher, covered, 0);
            dispatcher.deleteAll(DelReason.EXPIRED);
            assertNoPathFailed(dispatcher);
            assertThatNothingFailed(dispatcher, OffloadOperation.Delete.class);
            assertHoldings(dispatcher);
        });
    }

    @Test
    protected void aFlushEndsPathsToo() throws Exception {
        checkPaths(Way.BULK, (dispatcher, covered) -> {
            Map<String, String> first = offer(dispatcher, covered, 0);
            dispatcher.flush(DelReason.PROVIDER_LEAVING);
            dispatcher.leave();
            dispatcher.init();
            assertThat(offer(dispatcher, cover(dispatcher, 0, CONNECTIONS), 0)).isEqualTo(first);
            assertNoPathFailed(dispatcher);
        });
    }

    @Test
    protected void manyThreadsCarry() throws Exception {
        check(dispatcher -> {
            if (!dispatcher.carries()) {
                return;
            }
            List<ConnView> covered = cover(dispatcher, 0, CONNECTIONS);
            int share = covered.size() / threads();
            dispatcher.watch().inParallel(threads(), index -> {
                List<ConnView> own = covered.subList(index * share, (index + 1) * share);
                for (int round = 0; round < ROUNDS; round++) {
                    offer(dispatcher, own, round);
                    dispatcher.endPaths(
                            dispatcher.carried().stream()
                                    .filter(path -> own.stream().anyMatch(one -> one.id() == path.connectionId()))
                                    .toList(),
                            PathEnd.GUARD_FAILED);
                }
            });
            assertNoPathFailed(dispatcher);
        });
    }

    @Test
    protected void pathOperationsReturnInTime() throws Exception {
        for (Way way : ways()) {
            checkPaths(way, (dispatcher, covered) -> {
                offer(dispatcher, covered, 0);
                askAll(dispatcher);
                dispatcher.endPaths(dispatcher.carried(), PathEnd.RULES_CHANGED);
                assertInTime(dispatcher.watch(), "operate", "pathPut", "pathDel", "pathStats");
            });
        }
    }
}
