package io.turnstile.stories.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 under load, again and again, compactions among it: a few times, and {@code -Dturnstile.kills=1000} of them if
 * asked for. {@code -Dturnstile.kills.seed} repeats the plan of a run, though not what threads make of it.
 */
class KilledDatabaseTest {
    private static final int USUAL_KILLS = 5;
    /** From here on an archive of the server's classes saves more than it costs. */
    private static final int MANY_KILLS = 20;

    private static final int WRITERS = 3;
    private static final int MAX_ACKNOWLEDGED = 120;
    private static final long STARTING_NS = Duration.ofMillis(700).toNanos();
    private static final long COMPACTING_NS = Duration.ofMillis(12).toNanos();
    private static final int PATIENCE_SECONDS = 30;

    @TempDir
    Path folder;

    private final int kills = Integer.getInteger("turnstile.kills", USUAL_KILLS);
    private final long seed = Long.getLong("turnstile.kills.seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** What the database must hold at least: all writes that were answered or found, in their order. */
    private long counter;

    private final Map<String, String> keys = new HashMap<>();

    // What has been seen, for the report.
    private long answered;
    private long foundUnanswered;
    private long compactions;
    private int killedCompacting;
    private int killedStarting;

    /** What one life of the server saw. */
    private static final class Life {
        final List<Step> steps = new ArrayList<>();
        /** Key and value that each write left. */
        final Map<String, String[]> written = new HashMap<>();
        /** The highest value that anybody saw. */
        long seen;

        synchronized void add(Step step) {
            steps.add(step);
            seen = Math.max(seen, step.value());
        }

        synchronized void planned(String id, String key, String value) {
            written.put(id, new String[] {key, value});
        }
    }

    @Test
    void nothingAcknowledgedIsLostAndOneOrderExplainsAll() throws Exception {
        try {
            killAgainAndAgain();
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + " (-Dturnstile.kills.seed=" + seed + "): " + e.getMessage(), e);
        }
    }

    private void killAgainAndAgain() throws Exception {
        long startNs = System.nanoTime();
        Path file = folder.resolve("conf.db");
        Path socket = folder.resolve("s");
        List<String> options = kills < MANY_KILLS ? QuickStart.fromClasses() : archive(file, socket);
        Life life = new Life();
        for (int round = 0; round <= kills; round++) {
            if (random.nextInt(8) == 0) {
                DatabaseProcess.launch(options, file, socket).killAfter(random.nextLong(STARTING_NS));
                killedStarting++;
            }
            try (DatabaseProcess server = DatabaseProcess.start(options, file, socket)) {
                check(life, socket, "after kill " + round);
                life = new Life();
                if (round < kills) {
                    run(server, socket, round, life);
                }
            }
            killedCompacting += Files.exists(folder.resolve("conf.db.tmp")) ? 1 : 0;
            if (round % 50 == 49) {
                report(round + 1, startNs);
            }
        }
        report(kills, startNs);
        assertThat(answered).isGreaterThan(kills);
        try (var files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .as("no kill makes what would have to be copied")
                    .noneMatch(name -> name.contains("damaged"));
        }
    }

    private List<String> archive(Path file, Path socket) throws Exception {
        List<String> writing = QuickStart.writingArchive(folder);
        DatabaseProcess.start(writing, file, socket).end();
        return QuickStart.fromArchive(writing);
    }

    private void report(int rounds, long startNs) {
        System.out.printf(
                "%d kills (seed %d, %d in a compaction, %d more while starting), %d steps answered,"
                        + " %d writes found that were not, %d compactions asked for and done, %d ms%n",
                rounds,
                seed,
                killedCompacting,
                killedStarting,
                answered,
                foundUnanswered,
                compactions,
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs));
    }

    /** Clients at work until the server is killed. */
    private void run(DatabaseProcess server, Path socket, int round, Life life) throws Exception {
        BlockingQueue<Boolean> answers = new LinkedBlockingQueue<>();
        List<Thread> clients = new ArrayList<>();
        for (int client = 0; client < WRITERS; client++) {
            String name = round + "-" + client;
            Random own = new Random(random.nextLong());
            clients.add(Thread.ofPlatform().start(() -> write(name, own, socket, life, answers)));
        }
        clients.add(Thread.ofPlatform().start(() -> read(round + "-r", socket, life)));
        int parts = random.nextInt(4);
        for (int part = 0; part <= parts; part++) {
            for (int i = random.nextInt(1 + MAX_ACKNOWLEDGED / (parts + 1)); i > 0; i--) {
                assertThat(answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .as("an answer")
                        .isNotNull();
            }
            if (part < parts) {
                server.compact();
            }
        }
        compactions += server.killAfter(random.nextBoolean() ? 0 : random.nextLong(COMPACTING_NS));
        for (Thread client : clients) {
            client.join();
        }
    }

    private static void write(String name, Random random, Path socket, Life life, BlockingQueue<Boolean> answers) {
        try (CountingClient client = new CountingClient(socket)) {
            for (int i = 0; ; i++) {
                String id = name + "-" + i;
                int key = random.nextInt(CountingClient.KEYS);
                int ballastChars = random.nextInt(6) == 0 ? random.nextInt(60_000) : 0;
                life.planned(id, "k" + key, id + ":" + "x".repeat(ballastChars));
                Step step = client.write(id, key, ballastChars);
                life.add(step);
                if (!step.isAnswered()) {
                    return;
                }
                answers.add(true);
            }
        }
    }

    private static void read(String name, Path socket, Life life) {
        try (CountingClient client = new CountingClient(socket)) {
            for (int i = 0; ; i++) {
                Step step = client.read(name + "-" + i);
                life.add(step);
                if (!step.isAnswered()) {
                    return;
                }
            }
        }
    }

    /** Compares what is there with what the last life saw, and takes it for the next one's beginning. */
    private void check(Life life, Path socket, String when) {
        CountingClient.State state;
        try (CountingClient client = new CountingClient(socket)) {
            state = client.state();
        }
        assertThat(state.counter()).as("%s: what was seen", when).isGreaterThanOrEqualTo(Math.max(counter, life.seen));
        assertThat(state.recent().values())
                .as("%s: the ages of the last rows", when)
                .hasSize((int) Math.min(state.counter(), CountingClient.WINDOW))
                .doesNotHaveDuplicates()
                .allSatisfy(value -> assertThat(value)
                        .isBetween(Math.max(1, state.counter() - CountingClient.WINDOW + 1), state.counter()));
        List<Step> known = new ArrayList<>();
        Set<Long> values = new HashSet<>();
        for (Step step : life.steps) {
            Long recent = state.recent().get(step.id());
            if (step.isAnswered()) {
                answered++;
                if (step.isWrite() && step.value() > state.counter() - CountingClient.WINDOW) {
                    assertThat(recent).as("%s: %s", when, step).isEqualTo(step.value());
                }
                known.add(step);
            } else if (recent != null) {
                foundUnanswered++;
                known.add(step.with(recent));
            }
        }
        known.stream().filter(Step::isWrite).forEach(step -> values.add(step.value()));
        for (long value = counter + 1; value <= state.counter(); value++) {
            assertThat(values).as("%s: whose step is it", when).contains(value);
        }
        assertThat(OneOrder.violation(known)).as(when).isEmpty();
        known.stream()
                .filter(Step::isWrite)
                .sorted(Comparator.comparingLong(Step::value))
                .forEach(step ->
                        keys.put(life.written.get(step.id())[0], life.written.get(step.id())[1]));
        assertThat(state.keys()).as("%s: the last write of each key", when).isEqualTo(keys);
        counter = state.counter();
    }
}
