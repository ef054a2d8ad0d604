package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.packet.PacketBatch;
import io.turnstile.time.Clock;
import io.turnstile.time.ManualClock;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What offload costs the tracker, how it is switched under load, and that nothing stays behind. */
@CommandLine.Command(name = "offload", description = "what offload costs, switching it under load, connections that come and go")
public final class OffloadBench implements Callable<Integer> {
    private static final CtRequest COMMIT = CtRequest.commit(1);
    private static final int NEW_PER_SECOND = 100_000;
    private static final int ESTABLISHED = 10_000;
    /** The tracker's time runs faster, so that a connection's whole life fits in a round. */
    private static final long TIME_LAPSE = 100;
    /** Providers are not waited for longer than this. */
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(60);
    private static final long SLICE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int STRIDE = 618_033;
    private static final String BARS = "▁▂▃▄▅▆▇█";
    private static final Pattern WAITING = Pattern.compile("queue: (\\d+) waiting");

    /** The parts of this benchmark. */
    enum Part { COST, SWITCHING, LIVES }

    @Parameters(arity = "0..*", description = "${COMPLETION-CANDIDATES}; all of them unless said otherwise")
    private List<Part> parts = List.of(Part.values());

    @Option(names = "--rounds", defaultValue = "5", description = "of the costs, interleaved (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--seconds", defaultValue = "3", description = "of a round (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--table", defaultValue = "1000000", description = "connections in the table that is switched, and lives "
            + "(default: ${DEFAULT-VALUE})")
    private int table;

    @Override
    public Integer call() throws InterruptedException {
        if (parts.contains(Part.COST)) {
            cost();
        }
        if (parts.contains(Part.SWITCHING)) {
            switching(new CountingProvider("single-deletes", false));
            switching(new CountingProvider("flushes-itself", true));
        }
        return !parts.contains(Part.LIVES) || lives() ? 0 : 1;
    }

    // ---- cost ----

    /** Time from 0 on, so many times as fast as it really is. */
    private record BenchClock(long startNs, long lapse) implements Clock {
        private static BenchClock of(long lapse) {
            return new BenchClock(System.nanoTime(), lapse);
        }

        @Override
        public long nowNs() {
            return (System.nanoTime() - startNs) * lapse;
        }

        @Override
        public long wallMs() {
            return nowNs() / 1_000_000;
        }
    }

    /** Packets by the clock and by the CPU time of the forwarding thread. */
    private record Rate(double perSecond, double perCpuSecond) {
    }

    private void cost() throws InterruptedException {
        Map<String, Supplier<List<CountingProvider>>> kinds = new LinkedHashMap<>();
        kinds.put("off", List::of);
        kinds.put("one provider", () -> List.of(new CountingProvider("one", false)));
        kinds.put("hanging", () -> List.of(new CountingProvider.Hanging()));
        kinds.put("two providers", () -> List.of(new CountingProvider("one", false), new CountingProvider("two", false)));
        Map<String, List<Rate>> rates = new LinkedHashMap<>();
        for (Supplier<List<CountingProvider>> warm : kinds.values()) {
            round(warm.get());
        }
        for (int i = 0; i < rounds; i++) {
            for (Map.Entry<String, Supplier<List<CountingProvider>>> kind : kinds.entrySet()) {
                rates.computeIfAbsent(kind.getKey(), k -> new ArrayList<>()).add(round(kind.getValue().get()));
            }
        }
        System.out.printf("one forwarding thread, %d new connections/s, %d rounds of %d s; million packets per second, and per CPU "
                + "second of that thread%n", NEW_PER_SECOND, rounds, seconds);
        double off = median(rates.get("off"), false);
        double offCpu = median(rates.get("off"), true);
        rates.forEach((kind, measured) -> System.out.printf("%-14s %6.2f (%.3f)   cpu %6.2f (%.3f)%n", kind,
                median(measured, false) / 1e6, median(measured, false) / off, median(measured, true) / 1e6,
                median(measured, true) / offCpu));
    }

    private static double median(List<Rate> rates, boolean cpu) {
        double[] sorted = rates.stream().mapToDouble(cpu ? Rate::perCpuSecond : Rate::perSecond).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    /** Established packets as fast as possible, with so many new connections a second among them, which are answered and expire. */
    private Rate round(List<CountingProvider> providers) throws InterruptedException {
        Clock clock = BenchClock.of(TIME_LAPSE);
        ConnectionTracker tracker = new ConnectionTracker(clock, 2_000_000);
        Traffic traffic = new Traffic();
        traffic.populate(tracker, ESTABLISHED);
        OffloadDispatcher dispatcher = new OffloadDispatcher(tracker, clock, port -> null);
        if (!providers.isEmpty()) {
            dispatcher.enable(List.<OffloadProvider>copyOf(providers));
        }
        AtomicBoolean over = new AtomicBoolean();
        Thread sweeper = Thread.ofPlatform().start(() -> {
            while (!over.get()) {
                tracker.sweep(clock.nowNs());
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        });
        Rate rate = forward(tracker, traffic, clock);
        over.set(true);
        sweeper.join();
        providers.forEach(provider -> {
            if (provider instanceof CountingProvider.Hanging hanging) {
                hanging.letGo();
            }
        });
        dispatcher.close();
        return rate;
    }

    private Rate forward(ConnectionTracker tracker, Traffic traffic, Clock clock) {
        long startNs = System.nanoTime();
        long cpuStartNs = cpuNs();
        long packets = 0;
        long made = 0;
        int from = 0;
        long elapsedNs = 0;
        while (elapsedNs < TimeUnit.SECONDS.toNanos(seconds)) {
            elapsedNs = System.nanoTime() - startNs;
            long nowNs = clock.nowNs();
            if (made < elapsedNs * NEW_PER_SECOND / 1_000_000_000L) {
                traffic.answer(tracker, traffic.fill((int) (ESTABLISHED + made), 1, PacketBatch.CAPACITY), nowNs);
                made += PacketBatch.CAPACITY;
                packets += 2 * PacketBatch.CAPACITY;
            }
            for (int i = 0; i < 4; i++) {
                from = (from + STRIDE) % (ESTABLISHED - PacketBatch.CAPACITY);
                tracker.track(traffic.fill(from, 1, PacketBatch.CAPACITY), COMMIT, nowNs);
                packets += PacketBatch.CAPACITY;
            }
        }
        return new Rate(packets * 1e9 / elapsedNs, packets * 1e9 / (cpuNs() - cpuStartNs));
    }

    private static long cpuNs() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    // ---- switching ----

    /** One thread forwards without a pause; offload is turned on, and off again when everything is held. */
    private void switching(CountingProvider provider) throws InterruptedException {
        Clock clock = BenchClock.of(1);
        ConnectionTracker tracker = new ConnectionTracker(clock, table + 1000);
        new Traffic().populate(tracker, table);
        OffloadDispatcher dispatcher = new OffloadDispatcher(tracker, clock, port -> null);
        Slices slices = new Slices();
        AtomicBoolean over = new AtomicBoolean();
        Thread forwarder = Thread.ofPlatform().start(() -> {
            Traffic traffic = new Traffic();
            int from = 0;
            while (!over.get()) {
                for (int i = 0; i < 100; i++) {
                    from = (from + STRIDE) % (table - 29 * PacketBatch.CAPACITY);
                    tracker.track(traffic.fill(from, 29, PacketBatch.CAPACITY), COMMIT, clock.nowNs());
                }
                slices.count(100 * PacketBatch.CAPACITY);
            }
        });
        pause(2); // warm
        slices.mark("before");
        pause(3);
        slices.mark("turning on");
        long onNs = System.nanoTime();
        dispatcher.enable(List.of(provider));
        await(() -> provider.established() >= table);
        long heldNs = System.nanoTime();
        slices.mark("all held");
        pause(2);
        slices.mark("turning off");
        long offNs = System.nanoTime();
        await(dispatcher::disable);
        long leftNs = System.nanoTime();
        slices.mark("after");
        pause(2);
        over.set(true);
        forwarder.join();
        System.out.printf("%d connections and a provider that %s: all held after %.2f s, all let go of after %.2f s; held now %d%n", table,
                provider.name().replace('-', ' '), (heldNs - onNs) / 1e9, (leftNs - offNs) / 1e9, provider.held());
        slices.print();
    }

    private static void pause(int seconds) throws InterruptedException {
        TimeUnit.SECONDS.sleep(seconds);
    }

    private static void await(BooleanSupplier condition) {
        long startNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - startNs > PATIENCE_NS) {
                throw new IllegalStateException("the provider is still not where it should be");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    /** Packets of each tenth of a second, with marks of what was going on. Threads: one counts, one marks. */
    private static final class Slices {
        private final List<Double> rates = new ArrayList<>();
        private final Map<String, Integer> marks = new LinkedHashMap<>();
        private long packets;
        private long sliceStartNs = System.nanoTime();

        synchronized void count(int forwarded) {
            packets += forwarded;
            long nowNs = System.nanoTime();
            if (nowNs - sliceStartNs >= SLICE_NS) {
                rates.add(packets * 1e9 / (nowNs - sliceStartNs));
                packets = 0;
                sliceStartNs = nowNs;
            }
        }

        synchronized void mark(String what) {
            marks.put(what, rates.size());
        }

        synchronized void print() {
            double highest = rates.stream().mapToDouble(rate -> rate).max().orElse(1);
            List<String> names = List.copyOf(marks.keySet());
            double before = 0;
            for (int i = 0; i < names.size(); i++) {
                int end = i + 1 < names.size() ? marks.get(names.get(i + 1)) : rates.size();
                List<Double> part = rates.subList(marks.get(names.get(i)), Math.max(end, marks.get(names.get(i))));
                double[] sorted = part.stream().mapToDouble(rate -> rate).sorted().toArray();
                if (sorted.length == 0) {
                    continue;
                }
                double median = sorted[sorted.length / 2];
                before = i == 0 ? median : before;
                StringBuilder bars = new StringBuilder();
                part.forEach(rate -> bars.append(BARS.charAt((int) Math.min(7, rate / highest * 8))));
                System.out.printf("  %-12s median %6.2f M/s (%.3f), lowest %6.2f (%.3f)  %s%n", names.get(i), median / 1e6,
                        median / before, sorted[0] / 1e6, sorted[0] / before, bars);
            }
        }
    }

    // ---- lives ----

    /** So many connections come and go with two providers, by expiry and by flush in turns. */
    private boolean lives() {
        ManualClock clock = new ManualClock(0, 0);
        int step = table / 10;
        ConnectionTracker tracker = new ConnectionTracker(clock, table);
        OffloadDispatcher dispatcher = new OffloadDispatcher(tracker, clock, port -> null);
        CountingProvider one = new CountingProvider("one", false);
        CountingProvider two = new CountingProvider("two", false);
        dispatcher.enable(List.of(one, two));
        Traffic traffic = new Traffic();
        long deepest = 0;
        for (int done = 0; done < table; done += step) {
            for (int n = done; n < done + step; n += PacketBatch.CAPACITY) {
                traffic.answer(tracker, traffic.fill(n, 1, Math.min(PacketBatch.CAPACITY, done + step - n)), clock.nowNs());
                deepest = n % 4096 == 0 ? Math.max(deepest, waiting(dispatcher)) : deepest;
            }
            if (done / step % 2 == 0) {
                dispatcher.drain();
                tracker.flush(null, clock.nowNs());
            }
            while (tracker.connectionCount() > 0) {
                clock.advance(Duration.ofSeconds(10));
                tracker.sweep(clock.nowNs());
                deepest = Math.max(deepest, waiting(dispatcher));
            }
            dispatcher.drain();
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            System.out.printf("%8d lives: held by one %d, by two %d; told of %d and %d; deepest queue %d; heap %.1f MiB%n", done + step,
                    one.held(), two.held(), one.added(), two.added(), deepest,
                    (runtime.totalMemory() - runtime.freeMemory()) / 1048576.0);
        }
        boolean nothingHeld = one.held() == 0 && two.held() == 0;
        dispatcher.close();
        return nothingHeld;
    }

    /** Of all providers, as conntrack/offload-show says it. */
    private static long waiting(OffloadDispatcher dispatcher) {
        Matcher matcher = WAITING.matcher(dispatcher.show());
        long sum = 0;
        while (matcher.find()) {
            sum += Long.parseLong(matcher.group(1));
        }
        return sum;
    }
}
