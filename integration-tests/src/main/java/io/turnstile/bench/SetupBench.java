package io.turnstile.bench;

import io.turnstile.lab.Lab;
import io.turnstile.packet.PacketBatch;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * How many TCP connections a core sets up in a second, all of the switch and no kernel: handshakes from ports in memory
 * go through parser, flow cache or pipeline, tracker, recirculation, translation and out. Medians of rounds.
 */
@CommandLine.Command(
        name = "setup",
        description = "TCP handshakes through the whole switch, from ports in memory: connections per second and core")
public final class SetupBench implements Callable<Integer> {
    @Option(
            names = "--connections",
            defaultValue = "60k",
            converter = Amount.class,
            description = "of a round, forgotten at its end (default: ${DEFAULT-VALUE})")
    private int connections;

    @Option(
            names = "--in-flight",
            defaultValue = "10k",
            converter = Amount.class,
            description = "handshakes under way at the same stage (default: ${DEFAULT-VALUE})")
    private int inFlight;

    @Option(
            names = "--batches",
            split = ",",
            defaultValue = PacketBatch.CAPACITY + ",1",
            description = "frames that the port hands over at once (default: ${DEFAULT-VALUE})")
    private int[] batches;

    @Option(names = "--rounds", defaultValue = "9", description = "that count (default: ${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--warm-up", defaultValue = "6", description = "rounds before (default: ${DEFAULT-VALUE})")
    private int warmUp;

    @Option(names = "--rules", split = ",", description = "of ${COMPLETION-CANDIDATES} only these, comma between them")
    private EnumSet<SetupRules> ruleSets = EnumSet.allOf(SetupRules.class);

    @Option(names = "--peer", description = "ovs-vswitchd with its own dummy ports takes turns with ours")
    private boolean peer;

    @Override
    public Integer call() throws Exception {
        System.out.printf(
                "%d connections a round, %d at each stage of the handshake at once; medians of %d rounds; misses and bytes"
                        + " of heap for each connection%n",
                connections, Math.min(connections, inFlight), rounds);
        for (SetupRules rules : ruleSets) {
            run(rules);
        }
        return 0;
    }

    private void run(SetupRules rules) throws Exception {
        Map<SetupContestant, List<SetupRound>> figures = new LinkedHashMap<>();
        try (Lab lab = new Lab("su")) {
            for (int batch : batches) {
                figures.put(lab.add(new SetupSwitch(rules, handshakes(), batch)), new ArrayList<>());
            }
            if (peer) {
                figures.put(lab.add(new SetupPeer(lab, rules, handshakes())), new ArrayList<>());
            }
            for (int round = 0; round < warmUp + rounds; round++) {
                for (var contestant : figures.entrySet()) {
                    SetupRound result = contestant.getKey().round();
                    if (round >= warmUp) {
                        contestant.getValue().add(result);
                    }
                }
            }
        }
        print(rules, figures);
    }

    private Handshakes handshakes() {
        return new Handshakes(connections, inFlight);
    }

    private static void print(SetupRules rules, Map<SetupContestant, List<SetupRound>> figures) {
        System.out.printf(
                "%-34s %12s %9s %12s %9s %9s %9s%n",
                rules.text(), "/s and core", "ns each", "best round", "/s", "misses", "heap");
        figures.forEach((contestant, rounds) -> {
            ToDoubleFunction<SetupRound> rate = round -> round.slice().connectionsPerCpuSecond();
            double perCore = median(rounds, rate);
            double allocatedBytes = median(rounds, SetupRound::bytesPerConnection);
            System.out.printf(
                    "  %-32s %12.0f %9.0f %12.0f %9.0f %9.2f %9s%n",
                    contestant.name(),
                    perCore,
                    1e9 / perCore,
                    rounds.stream().mapToDouble(rate).max().orElse(Double.NaN),
                    median(rounds, round -> round.slice().connectionsPerSecond()),
                    median(rounds, SetupRound::missesPerConnection),
                    allocatedBytes < 0 ? "-" : "%.0f".formatted(allocatedBytes));
        });
    }

    private static double median(List<SetupRound> rounds, ToDoubleFunction<SetupRound> figure) {
        return Slice.median(rounds.stream().mapToDouble(figure).toArray());
    }
}
