package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** {@code exit}, {@code coverage/show} and {@code memory/show}: what concerns the process as a whole. */
final class ProcessCommands {
    private static final int EXIT_DELAY_MS = 50;

    private final CommandContext context;

    ProcessCommands(CommandContext context) {
        this.context = context;
    }

    List<Command> commands() {
        return List.of(
                Command.of("exit", "[--cleanup]", 0, 1, this::exit),
                Command.of(
                        "coverage/show",
                        "",
                        0,
                        0,
                        arguments -> CommandReply.ok(context.coverage().text())),
                Command.of("coverage/read-counter", "COUNTER", 1, 1, this::readCounter),
                Command.of("memory/show", "", 0, 0, arguments -> memory()));
    }

    /** Ends the process; the reply is on its way before that begins. */
    private CommandReply exit(List<String> arguments) {
        if (!arguments.isEmpty() && !arguments.getFirst().equals("--cleanup")) {
            return CommandReply.error("unknown option " + arguments.getFirst());
        }
        Thread.ofPlatform().daemon().name("exit").start(() -> {
            try {
                TimeUnit.MILLISECONDS.sleep(EXIT_DELAY_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            context.onExit().run();
        });
        return CommandReply.ok();
    }

    private CommandReply readCounter(List<String> arguments) {
        OptionalLong total = context.coverage().total(arguments.getFirst());
        return total.isPresent() ? CommandReply.ok(total.getAsLong() + "\n") : CommandReply.error("No such counter");
    }

    private CommandReply memory() {
        long heapKib =
                (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 10;
        long rules = context.pipeline().bridges().stream()
                .flatMap(bridge -> bridge.tables().stream())
                .mapToLong(table -> table.activeCount())
                .sum();
        return CommandReply.ok("connections:%d flows:%d handlers:%d heap-kB:%d ports:%d rules:%d"
                .formatted(
                        context.tracker().connectionCount(),
                        context.datapath().statistics().flows(),
                        context.forwardingThreads(),
                        heapKib,
                        context.datapath().ports().size(),
                        rules));
    }
}
