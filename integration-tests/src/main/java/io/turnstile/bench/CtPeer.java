package io.turnstile.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Open vSwitch's own benchmark of its connection tracker ({@code ovstest test-conntrack}), which no package brings:
 * build it from Open vSwitch's sources with -O3. Its figures are by the clock.
 */
record CtPeer(Path ovstest) {
    private static final int PACKETS = 8_000_000;
    private static final Pattern TOTAL_MS = Pattern.compile("conntrack:\\s+(\\d+) ms");
    private static final Pattern MINIMA_US =
            Pattern.compile("Min\\s*\\|\\s*(\\d+) us\\s*\\|\\s*(\\d+) us\\s*\\|\\s*(\\d+) us");

    void printHot(int batch) throws IOException, InterruptedException {
        double single = packetNs(1, batch);
        double pair = packetNs(2, batch);
        System.out.printf(
                "  Open vSwitch: %.1f ns/packet; on two threads at once %.1f (scales x%.2f)%n",
                single, pair, 2 * single / pair);
    }

    private double packetNs(int threads, int batch) throws IOException, InterruptedException {
        Matcher total = run(TOTAL_MS, "benchmark", threads + "", PACKETS + "", batch + "");
        return Double.parseDouble(total.group(1)) * 1e6 / PACKETS;
    }

    /**
     * The lowest of ten rounds each: connections met again in the order of their making, and a zone of them flushed.
     */
    void printZone(int connections) throws IOException, InterruptedException {
        Matcher minima = run(MINIMA_US, "benchmark-zones", connections + "", "3", "10");
        System.out.printf(
                "Open vSwitch: create %.0f ns, met again %.0f ns/packet; flush a zone of %d %.2f ms%n",
                Double.parseDouble(minima.group(1)) * 1e3 / connections,
                Double.parseDouble(minima.group(2)) * 1e3 / connections,
                connections,
                Double.parseDouble(minima.group(3)) / 1e3);
    }

    private Matcher run(Pattern figure, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(ovstest.toString(), "test-conntrack"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher found = figure.matcher(output);
        if (process.waitFor() != 0 || !found.find()) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return found;
    }
}
