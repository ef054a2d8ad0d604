package io.turnstile.bench;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.lab.Await;
import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PortDirectory;
import io.turnstile.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * Turns offload on and off over a table full of established connections whose packets never stop: each connection is
 * announced, and taken back. Shows the forwarding rate over time.
 */
@CommandLine.Command(
        name = "switching",
        description = "hw-offload on and off with a million connections: the forwarding rate meanwhile")
public final class OffloadSwitching implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String LEVELS = " ▁▂▃▄▅▆▇█";
    private static final int USUAL_LEVEL = 6;
    private static final int WIDTH = 60;
    private static final double WANTED = 0.95;

    @Option(names = "--connections", defaultValue = "1000000", description = "in the table (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(
            names = "--seconds",
            defaultValue = "2",
            description = "of peace before, between and after (default: ${DEFAULT-VALUE})")
    private double seconds;

    private final Map<Rate, Double> usual = new EnumMap<>(Rate.class);

    /** Ways to look at how fast it was. */
    private enum Rate {
        CLOCK("by the clock", Slice::packetsPerSecond),
        UNDISTURBED("less waiting for a core", Slice::packetsPerUndisturbedSecond),
        CPU("by CPU time", Slice::packetsPerCpuSecond);

        private final String text;
        private final ToDoubleFunction<Slice> figure;

        Rate(String text, ToDoubleFunction<Slice> figure) {
            this.text = text;
            this.figure = figure;
        }
    }

    @Override
    public Integer call() throws InterruptedException {
        ConnectionTracker tracker = new ConnectionTracker(Clock.system(), connections);
        EstablishedTraffic traffic = new EstablishedTraffic(tracker, connections, System.nanoTime());
        boolean clean = true;
        try (Forwarder forwarder = new Forwarder(traffic)) {
            Forwarder.pause(3); // until the code is compiled
            clean &= turn(tracker, forwarder, new CountingProvider("alpha"), "let go of one by one");
            clean &= turn(tracker, forwarder, new CountingProvider("beta", true), "flushed by the provider itself");
        }
        return clean && tracker.connectionCount() == connections ? 0 : 1;
    }

    private boolean turn(ConnectionTracker tracker, Forwarder forwarder, CountingProvider provider, String how)
            throws InterruptedException {
        System.out.printf(
                "%d connections, %s; a character is %d ms, its height the rate less waiting for a core, %s as before%n",
                connections, how, Forwarder.SLICE_NS / 1_000_000, LEVELS.charAt(USUAL_LEVEL));
        OffloadDispatcher dispatcher =
                new OffloadDispatcher(tracker, Clock.system(), PortDirectory.named(port -> "p" + port));
        long beginCollectedNs = Memory.collectingNs();
        long beginNs = System.nanoTime();
        Forwarder.pause(seconds);
        long onNs = System.nanoTime();
        dispatcher.enable(List.of(provider));
        Await.until("all connections are held", PATIENCE, () -> provider.held() == connections, dispatcher::show);
        long heldNs = System.nanoTime();
        Forwarder.pause(seconds);
        long offNs = System.nanoTime();
        Await.until("the provider has left", PATIENCE, dispatcher::disable, dispatcher::show);
        long leftNs = System.nanoTime();
        Forwarder.pause(seconds);
        long endNs = System.nanoTime();
        long collectedNs = Memory.collectingNs() - beginCollectedNs;
        List<Slice> before = forwarder.slices(beginNs, onNs);
        for (Rate rate : Rate.values()) {
            usual.put(rate, Slice.median(before, rate.figure));
        }
        print("before", before);
        print("turned on", touched(forwarder, onNs, heldNs));
        print("all held", forwarder.slices(heldNs, offNs));
        print("turned off", touched(forwarder, offNs, leftNs));
        print("after", forwarder.slices(leftNs, endNs));
        System.out.printf(
                "announced in %.2f s, taken back in %.2f s; %d adds, %d established, %d deletes, still held %d,"
                        + " calls out of order %d; garbage was collected for %d ms of %.1f s%n%n",
                (heldNs - onNs) / 1e9,
                (leftNs - offNs) / 1e9,
                provider.adds(),
                provider.established(),
                provider.deletes(),
                provider.held(),
                provider.faults(),
                collectedNs / 1_000_000,
                (endNs - beginNs) / 1e9);
        return provider.held() == 0 && provider.faults() == 0;
    }

    /** Slices of which any part lies in this span: where something happened they count as a whole. */
    private static List<Slice> touched(Forwarder forwarder, long fromNs, long toNs) {
        return forwarder.slices(fromNs - Forwarder.SLICE_NS, toNs + Forwarder.SLICE_NS);
    }

    private void print(String what, List<Slice> slices) {
        int group = (slices.size() + WIDTH - 1) / WIDTH;
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < slices.size(); i += group) {
            List<Slice> grouped = slices.subList(i, Math.min(slices.size(), i + group));
            line.append(level(Slice.lowest(grouped, Slice::packetsPerUndisturbedSecond) / usual.get(Rate.UNDISTURBED)));
        }
        System.out.printf("  %-10s |%s|%s%n", what, line, group > 1 ? " the lowest of each " + group : "");
        for (Rate rate : Rate.values()) {
            System.out.printf("    %-28s %s%n", rate.text, figures(slices, rate.figure, usual.get(rate)));
        }
    }

    private static String figures(List<Slice> slices, ToDoubleFunction<Slice> rate, double usual) {
        double median = Slice.median(slices, rate);
        double lowest = Slice.lowest(slices, rate);
        long slow = slices.stream()
                .filter(slice -> rate.applyAsDouble(slice) < WANTED * usual)
                .count();
        return "median %.2f M/s (%.3f), lowest %.2f (%.3f), %d of %d slices below %.2f"
                .formatted(median / 1e6, median / usual, lowest / 1e6, lowest / usual, slow, slices.size(), WANTED);
    }

    private static char level(double share) {
        return LEVELS.charAt(Math.clamp(Math.round(share * USUAL_LEVEL), 0, LEVELS.length() - 1));
    }
}
