package io.turnstile.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A short span of a forwarding thread's time.
 *
 * @param startNs on the scale of {@link System#nanoTime}
 * @param lengthNs of real time
 * @param cpuNs what the thread had of a core in it
 * @param waitedNs how long it stood in line for a core
 * @param packets tracked
 * @param connections made
 */
record Slice(long startNs, long lengthNs, long cpuNs, long waitedNs, long packets, long connections) {

    double packetsPerSecond() {
        return packets * 1e9 / lengthNs;
    }

    /** Without the time spent in line for a core: what an idle machine with a core for each thread would show. */
    double packetsPerUndisturbedSecond() {
        return packets * 1e9 / Math.max(1, lengthNs - waitedNs);
    }

    /** Without any time at rest, such as for the collection of garbage. */
    double packetsPerCpuSecond() {
        return packets * 1e9 / Math.max(1, cpuNs);
    }

    double connectionsPerSecond() {
        return connections * 1e9 / lengthNs;
    }

    /** Connections that a core makes in a second, without any time at rest. */
    double connectionsPerCpuSecond() {
        return connections * 1e9 / Math.max(1, cpuNs);
    }

    static double median(List<Slice> slices, ToDoubleFunction<Slice> figure) {
        return median(slices.stream().mapToDouble(figure).toArray());
    }

    static double lowest(List<Slice> slices, ToDoubleFunction<Slice> figure) {
        return slices.stream().mapToDouble(figure).min().orElse(Double.NaN);
    }

    /** The upper one of two in the middle; not a number if there are none. */
    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }
}
