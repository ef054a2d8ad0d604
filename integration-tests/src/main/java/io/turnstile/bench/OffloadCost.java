package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.lab.Await;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * Packets a second of one forwarding thread under {@link MixedTraffic} that never stops, while providers come and go.
 * The settings take turns, each round in another order, and each is compared with offload off in the same round.
 */
@CommandLine.Command(
        name = "cost",
        description = "what providers cost a forwarding thread that makes 100 000 connections a second")
public final class OffloadCost implements Callable<Integer> {
    private static final String OFFLOAD_THREADS = "offload-";
    private static final int MAX_CONNECTIONS = 2_000_000;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long LONGEST_SWEEP_PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(100);

    @Option(
            names = "--connections-per-second",
            defaultValue = "100000",
            description = "new ones (default: ${DEFAULT-VALUE})")
    private int connectionsPerSecond;

    @Option(
            names = "--established",
            defaultValue = "10000",
            description = "connections that the other packets belong to (default: ${DEFAULT-VALUE})")
    private int established;

    @Option(
            names = "--by-cpu-time",
            description = "a second of new connections is one of the forwarding thread's CPU time:"
                    + " for machines that are not idle")
    private boolean byCpuTime;

    @Option(names = "--rounds", defaultValue = "5", description = "of all settings (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--seconds", defaultValue = "3", description = "per setting and round (default: ${DEFAULT-VALUE})")
    private double seconds;

    private final ConnectionTracker tracker = new ConnectionTracker(Clock.system(), MAX_CONNECTIONS);
    private final OffloadDispatcher dispatcher =
            new OffloadDispatcher(tracker, Clock.system(), PortDirectory.named(port -> "p" + port));

    /** Who is there. */
    private enum Setting {
        OFF("offload off"),
        ONE("one provider"),
        TWO("two providers"),
        HANGING("a hanging provider"),
        BOTH("a hanging one beside a good one");

        private final String text;

        Setting(String text) {
            this.text = text;
        }

        private List<CountingProvider> providers() {
            return switch (this) {
                case OFF -> List.of();
                case ONE -> List.of(new CountingProvider("alpha"));
                case TWO -> List.of(new CountingProvider("alpha"), new CountingProvider("beta"));
                case HANGING -> List.of(new HangingProvider("hanging"));
                case BOTH -> List.of(new HangingProvider("hanging"), new CountingProvider("alpha"));
            };
        }
    }

    /** Medians over the slices of a turn. */
    private record Turn(
            double packets,
            double packetsUndisturbed,
            double packetsPerCpu,
            double connections,
            double offloadCores,
            double addsPerSecond) {}

    @Override
    public Integer call() throws InterruptedException {
        long nowNs = System.nanoTime();
        EstablishedTraffic others = new EstablishedTraffic(tracker, established, nowNs);
        Thread sweeper = Thread.ofPlatform().daemon().name("sweeper").start(this::sweep);
        Map<Setting, List<Turn>> turns = new EnumMap<>(Setting.class);
        boolean clean = true;
        try (Forwarder forwarder = new Forwarder(new MixedTraffic(tracker, others, connectionsPerSecond, byCpuTime))) {
            Forwarder.pause(1 + MixedTraffic.LIFE_SECONDS); // the table has reached its size, and the code is compiled
            Setting[] settings = Setting.values();
            for (int round = -1; round < rounds; round++) { // the first only warms up
                for (int i = 0; i < settings.length; i++) {
                    Setting setting = settings[Math.floorMod(round + i, settings.length)];
                    List<CountingProvider> providers = setting.providers();
                    Turn turn = turn(forwarder, providers, round < 0 ? Math.min(1, seconds) : seconds);
                    if (round >= 0) {
                        turns.computeIfAbsent(setting, s -> new ArrayList<>()).add(turn);
                    }
                    clean &= isClean(setting, providers);
                }
            }
        }
        sweeper.interrupt();
        sweeper.join();
        print(turns);
        return clean ? 0 : 1;
    }

    private Turn turn(Forwarder forwarder, List<CountingProvider> providers, double length) {
        if (!providers.isEmpty()) {
            dispatcher.enable(List.<OffloadProvider>copyOf(providers));
        }
        Map<Long, Long> offloadNs = CpuTime.ofThreadsNs(OFFLOAD_THREADS);
        long adds = adds(providers);
        long fromNs = System.nanoTime();
        Forwarder.pause(length);
        long toNs = System.nanoTime();
        adds = adds(providers) - adds;
        long offloadUsedNs = CpuTime.usedNs(offloadNs, CpuTime.ofThreadsNs(OFFLOAD_THREADS));
        List<Slice> slices = forwarder.slices(fromNs, toNs);
        providers.forEach(provider -> {
            if (provider instanceof HangingProvider hanging) {
                hanging.letGo();
            }
        });
        Await.until("providers have left", PATIENCE, dispatcher::disable, dispatcher::show);
        double turnSeconds = (toNs - fromNs) / 1e9;
        return new Turn(
                Slice.median(slices, Slice::packetsPerSecond),
                Slice.median(slices, Slice::packetsPerUndisturbedSecond),
                Slice.median(slices, Slice::packetsPerCpuSecond),
                slices.stream()
                        .mapToDouble(Slice::connectionsPerSecond)
                        .average()
                        .orElse(Double.NaN),
                offloadUsedNs / 1e9 / turnSeconds,
                adds / turnSeconds);
    }

    private static long adds(List<CountingProvider> providers) {
        return providers.stream().mapToLong(CountingProvider::adds).sum();
    }

    private static boolean isClean(Setting setting, List<CountingProvider> providers) {
        boolean clean = true;
        for (CountingProvider provider : providers) {
            if (provider.held() != 0 || provider.faults() != 0) {
                System.out.printf(
                        "%s: %s holds %d connections after it has left, %d calls out of order%n",
                        setting.text, provider.name(), provider.held(), provider.faults());
                clean = false;
            }
        }
        return clean;
    }

    private void print(Map<Setting, List<Turn>> turns) {
        System.out.printf(
                "one forwarding thread, %d new connections a%s second of %d packets each, the rest packets of %d"
                        + " others;%nmedians of %d rounds of %.1f s; ratio: median of those to \"off\" in the same round;%n"
                        + "less waiting: without the time that the thread stood in line for a core; best: the ninth tenth of the rounds%n",
                connectionsPerSecond, byCpuTime ? " CPU" : "", MixedTraffic.PACKETS, established, rounds, seconds);
        System.out.printf(
                "%-32s %10s %6s %12s %6s %12s %6s %10s %6s %12s %13s %9s%n",
                "packets/s",
                "by clock",
                "ratio",
                "less waiting",
                "ratio",
                "by CPU time",
                "ratio",
                "best",
                "ratio",
                "connections",
                "offload cores",
                "adds/s");
        List<Turn> off = turns.get(Setting.OFF);
        turns.forEach((setting, own) -> System.out.printf(
                "%-32s %10.0f %6.3f %12.0f %6.3f %12.0f %6.3f %10.0f %6.3f %12.0f %13.2f %9.0f%n",
                setting.text,
                median(own, Turn::packets),
                ratio(own, off, Turn::packets),
                median(own, Turn::packetsUndisturbed),
                ratio(own, off, Turn::packetsUndisturbed),
                median(own, Turn::packetsPerCpu),
                ratio(own, off, Turn::packetsPerCpu),
                best(own),
                best(own) / best(off),
                median(own, Turn::connections),
                median(own, Turn::offloadCores),
                median(own, Turn::addsPerSecond)));
    }

    private static double median(List<Turn> turns, ToDoubleFunction<Turn> figure) {
        return Slice.median(turns.stream().mapToDouble(figure).toArray());
    }

    /** By CPU time, in rounds in which the machine's other guests were quiet. */
    private static double best(List<Turn> turns) {
        double[] sorted =
                turns.stream().mapToDouble(Turn::packetsPerCpu).sorted().toArray();
        return sorted[(int) (0.9 * (sorted.length - 1))];
    }

    private static double ratio(List<Turn> own, List<Turn> off, ToDoubleFunction<Turn> figure) {
        double[] ratios = new double[own.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = figure.applyAsDouble(own.get(i)) / figure.applyAsDouble(off.get(i));
        }
        return Slice.median(ratios);
    }

    private void sweep() {
        while (!Thread.interrupted()) {
            LockSupport.parkNanos(Math.min(LONGEST_SWEEP_PAUSE_NS, tracker.sweep(System.nanoTime())));
        }
    }
}
