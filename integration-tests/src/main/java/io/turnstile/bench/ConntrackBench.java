package io.turnstile.bench;

import java.util.concurrent.Callable;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** JMH over the tracker and what hangs on it. */
@CommandLine.Command(name = "conntrack", description = "JMH: the connection tracker and the offload dispatcher")
public final class ConntrackBench implements Callable<Integer> {

    @Parameters(
            arity = "0..1",
            defaultValue = "TrackerBenchmark",
            description = "benchmarks to run, a regular expression")
    private String include;

    @Option(names = "--quick", description = "one fork, short iterations: a look, not a measurement")
    private boolean quick;

    @Override
    public Integer call() throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder().include(include).shouldFailOnError(true);
        if (quick) {
            options.forks(1)
                    .warmupIterations(2)
                    .warmupTime(TimeValue.seconds(1))
                    .measurementIterations(3)
                    .measurementTime(TimeValue.seconds(1));
        }
        new Runner(options.build()).run();
        return 0;
    }
}
