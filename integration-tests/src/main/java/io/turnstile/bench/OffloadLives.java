package io.turnstile.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** A million connections come and go with two providers: what is held, what waits, and how much heap stays in use. */
@CommandLine.Command(
        name = "lives",
        description = "a million connections come and go with two providers: queue, heap, what is held at the end")
public final class OffloadLives implements Callable<Integer> {
    private static final double MIB = 1024 * 1024;
    /** What the machine itself takes and gives back from time to time. */
    private static final double HEAP_TOLERANCE_MIB = 4;

    @Option(names = "--lives", defaultValue = "1000000", description = "connections (default: ${DEFAULT-VALUE})")
    private int lives;

    @Option(
            names = "--checkpoint",
            defaultValue = "100000",
            description = "look after so many (default: ${DEFAULT-VALUE})")
    private int checkpoint;

    private final List<CountingProvider> providers =
            List.of(new CountingProvider("alpha"), new CountingProvider("beta"));
    private final List<Double> heapMib = new ArrayList<>();

    @Override
    public Integer call() {
        System.out.printf(
                "%10s %9s %22s %22s %22s %14s %9s%n",
                "lives",
                "seconds",
                "added alpha/beta",
                "asked alpha/beta",
                "held alpha/beta",
                "longest queue",
                "heap MiB");
        boolean bounded = true;
        int left;
        try (ComeAndGo world = new ComeAndGo(providers)) {
            for (int done = 0; done < lives; done += checkpoint) {
                long startNs = System.nanoTime();
                world.live(checkpoint);
                double seconds = (System.nanoTime() - startNs) / 1e9;
                long queue = world.longestQueue();
                bounded &= queue <= ComeAndGo.AT_ONCE;
                heapMib.add(usedHeapMib());
                print(done + checkpoint, seconds, queue);
            }
            left = world.connections();
        }
        return verdict(bounded, left);
    }

    private void print(int done, double seconds, long queue) {
        CountingProvider alpha = providers.getFirst();
        CountingProvider beta = providers.getLast();
        System.out.printf(
                "%10d %9.2f %22s %22s %22s %14d %9.1f%n",
                done,
                seconds,
                alpha.adds() + " / " + beta.adds(),
                alpha.updates() + " / " + beta.updates(),
                alpha.held() + " / " + beta.held(),
                queue,
                heapMib.getLast());
    }

    private int verdict(boolean bounded, int left) {
        double growth = heapMib.stream()
                        .skip(1)
                        .mapToDouble(used -> used - heapMib.getFirst())
                        .max()
                        .orElse(0)
                + 0.0;
        boolean flat = growth <= HEAP_TOLERANCE_MIB;
        boolean clean = left == 0;
        for (CountingProvider provider : providers) {
            System.out.printf(
                    "%s: %d added, %d deleted, %d held at the end, %d calls out of order%n",
                    provider.name(), provider.adds(), provider.deletes(), provider.held(), provider.faults());
            clean &= provider.held() == 0 && provider.faults() == 0 && provider.adds() == provider.deletes();
        }
        System.out.printf(
                "left in the tracker: %d; queue %s %d; heap after the first checkpoint %+.1f MiB (%s)%n",
                left, bounded ? "never above" : "ABOVE", ComeAndGo.AT_ONCE, growth, flat ? "flat" : "NOT FLAT");
        return clean && bounded && flat ? 0 : 1;
    }

    /** What is still used after the garbage was collected. */
    private static double usedHeapMib() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MIB;
    }
}
