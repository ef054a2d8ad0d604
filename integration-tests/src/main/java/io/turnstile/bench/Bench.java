package io.turnstile.bench;

import picocli.CommandLine;

/** {@code ./turnstile bench …}: every measurement that docs/performance.md speaks of, by the command named there. */
@CommandLine.Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel =
                "switch|conntrack|cpu|flood|sweep|pauses|setup|offload|soak|large|flows|flow-mods|control",
        subcommands = {
            SideBySide.class,
            ConntrackBench.class,
            CpuBench.class,
            FloodBench.class,
            SweepBench.class,
            PauseBench.class,
            SetupBench.class,
            OffloadBench.class,
            SoakBench.class,
            LargeBench.class,
            FlowBench.class,
            FlowModBench.class,
            ControlBench.class
        })
public final class Bench {
    private Bench() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new Bench())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }
}
