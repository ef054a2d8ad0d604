package io.turnstile.bench;

import io.turnstile.lab.Command;
import io.turnstile.lab.Lab;
import io.turnstile.lab.LabSwitch;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * How long Debian's {@code ovs-ofctl} takes to load flows, one by one over one connection and in one bundle, and to
 * remove them: Turnstile and ovs-vswitchd in turn, in one run, medians of rounds. No packet is forwarded.
 */
@CommandLine.Command(
        name = "flow-mods",
        description = "ovs-ofctl add-flows, add-flows --bundle and del-flows, here and at ovs-vswitchd in turn")
public final class FlowModBench implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final int ADDRESSES_A_BYTE = 256;

    @Option(
            names = "--flows",
            defaultValue = "100k",
            converter = Amount.class,
            description = "loaded at once (default: ${DEFAULT-VALUE})")
    private int flows;

    @Option(
            names = "--rounds",
            defaultValue = "5",
            description = "that count, after one more (default: ${DEFAULT-VALUE})")
    private int rounds;

    /** What is timed. */
    private enum Step {
        ONE_BY_ONE("add-flows"),
        REMOVED("del-flows"),
        BUNDLE("add-flows --bundle"),
        REPLACED("add-flows --bundle, all there"),
        REMOVED_AGAIN("del-flows");

        private final String text;

        Step(String text) {
            this.text = text;
        }
    }

    @Override
    public Integer call() throws IOException {
        Map<LabSwitch, Map<Step, List<Double>>> figures = new LinkedHashMap<>();
        try (Lab lab = new Lab("fm")) {
            Path file = lab.folder().resolve("flows.txt");
            writeFlows(file);
            for (LabSwitch each : List.of(
                    lab.add(Turnstile.start(lab, "--enable-dummy")),
                    lab.add(OpenVswitch.start(lab, "--enable-dummy")))) {
                each.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure")
                        .run();
                figures.put(each, new LinkedHashMap<>());
            }
            for (int round = 0; round <= rounds; round++) {
                for (var each : figures.entrySet()) {
                    round(each.getKey(), file.toString(), round == 0 ? new LinkedHashMap<>() : each.getValue());
                }
            }
            print(figures);
        }
        return 0;
    }

    private void writeFlows(Path file) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < flows; i++) {
                int high = i / ADDRESSES_A_BYTE;
                out.write("table=%d,priority=%d,tcp,nw_dst=10.%d.%d.%d,tp_dst=%d,actions=ct(table=9)%n"
                        .formatted(
                                i % 8,
                                100 + i % 5,
                                high / ADDRESSES_A_BYTE,
                                high % ADDRESSES_A_BYTE,
                                i % ADDRESSES_A_BYTE,
                                i % 60_000));
            }
        }
    }

    private void round(LabSwitch at, String file, Map<Step, List<Double>> figures) {
        String bridge = at.runDirectory().resolve("br0.mgmt").toString();
        time(Step.ONE_BY_ONE, figures, "add-flows", bridge, file);
        time(Step.REMOVED, figures, "del-flows", bridge);
        time(Step.BUNDLE, figures, "--bundle", "add-flows", bridge, file);
        time(Step.REPLACED, figures, "--bundle", "add-flows", bridge, file);
        String count = at.ofctl("dump-aggregate", "br0").run().text();
        if (!count.contains("flow_count=" + flows)) {
            throw new IllegalStateException(count);
        }
        time(Step.REMOVED_AGAIN, figures, "del-flows", bridge);
    }

    private static void time(Step step, Map<Step, List<Double>> figures, String... words) {
        List<String> command = new ArrayList<>(List.of("ovs-ofctl"));
        command.addAll(List.of(words));
        long beganNs = System.nanoTime();
        Command.of(command.toArray(String[]::new)).within(PATIENCE).run();
        figures.computeIfAbsent(step, _ -> new ArrayList<>()).add((System.nanoTime() - beganNs) / 1e9);
    }

    private void print(Map<LabSwitch, Map<Step, List<Double>>> figures) {
        System.out.printf("%d flows, seconds, medians of %d rounds%n%-32s", flows, rounds, "");
        figures.keySet().forEach(each -> System.out.printf(" %14s", each.name()));
        System.out.println();
        for (Step step : Step.values()) {
            System.out.printf("%-32s", step.text);
            figures.values().forEach(each -> System.out.printf(" %14.2f", SideBySide.median(each.get(step))));
            System.out.println();
        }
    }
}
