package io.turnstile.bench;

import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What offload costs the packet path, and that what is handed to providers comes back. */
@CommandLine.Command(
        name = "offload",
        description = "offload: its cost, turning it on and off, a million lives (all three unless one is named);"
                + " what carrying in the kernel brings; how fast paths come and go there",
        subcommands = {
            OffloadCost.class,
            OffloadSwitching.class,
            OffloadLives.class,
            OffloadCarried.class,
            OffloadPaths.class
        })
public final class OffloadBench implements Callable<Integer> {
    /** What needs root, and more time than the others together. */
    private static final Set<String> BY_NAME_ONLY = Set.of("carried", "paths");

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        int worst = 0;
        for (CommandLine part : spec.subcommands().values()) {
            if (!BY_NAME_ONLY.contains(part.getCommandName())) {
                worst = Math.max(worst, part.execute());
            }
        }
        return worst;
    }
}
