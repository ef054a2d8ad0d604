package io.turnstile.bench;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What offload costs the packet path, and that what is handed to providers comes back. */
@CommandLine.Command(
        name = "offload",
        description = "offload: its cost, turning it on and off, a million lives; all three unless one is named",
        subcommands = {OffloadCost.class, OffloadSwitching.class, OffloadLives.class})
public final class OffloadBench implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        int worst = 0;
        for (CommandLine part : spec.subcommands().values()) {
            worst = Math.max(worst, part.execute());
        }
        return worst;
    }
}
