package io.turnstile.bench;

import io.turnstile.bench.soak.Soak;
import io.turnstile.lab.Lab;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** A switch under all kinds of use at once, for as long as one likes. */
@CommandLine.Command(
        name = "soak",
        description = "traffic, churn, floods, bad clients and kills for a while; fails if memory, pauses, losses or"
                + " answers are out of bounds")
public final class SoakBench implements Callable<Integer> {
    @Option(names = "--minutes", defaultValue = "10", description = "how long (default: ${DEFAULT-VALUE})")
    private int minutes;

    @Option(names = "--hours", defaultValue = "0", description = "the same in hours")
    private int hours;

    @Override
    public Integer call() throws Exception {
        if (!Lab.isPossible("turnstile bench soak")) {
            return 1;
        }
        return new Soak(hours > 0 ? Duration.ofHours(hours) : Duration.ofMinutes(minutes)).run() ? 0 : 1;
    }
}
