package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import java.util.List;

/** {@code vlog/…}: what is logged where. */
final class LogCommands {
    private final LogControl log;

    LogCommands(LogControl log) {
        this.log = log;
    }

    List<Command> commands() {
        return List.of(
                Command.of("vlog/set", "{spec | PATTERN:destination:pattern}", 0, Command.ANY_NUMBER, this::set),
                Command.of("vlog/list", "", 0, 0, arguments -> CommandReply.ok(log.list())),
                Command.of("vlog/reopen", "", 0, 0, arguments -> {
                    String error = log.reopen();
                    return error == null ? CommandReply.ok() : CommandReply.error(error);
                }),
                Command.of("vlog/enable-rate-limit", "[module]...", 0, Command.ANY_NUMBER, words -> bound(words, true)),
                Command.of(
                        "vlog/disable-rate-limit", "[module]...", 0, Command.ANY_NUMBER, words -> bound(words, false)),
                Command.of("vlog/close", "", 0, 0, arguments -> {
                    log.close();
                    return CommandReply.ok();
                }));
    }

    private CommandReply bound(List<String> modules, boolean bounded) {
        for (String module : modules.isEmpty() ? List.of("any") : modules) {
            if (!log.setBounded(module, bounded)) {
                return CommandReply.error("unknown module");
            }
        }
        return CommandReply.ok();
    }

    private CommandReply set(List<String> specs) {
        for (String spec : specs) {
            String error = log.set(spec);
            if (error != null) {
                return CommandReply.error(error);
            }
        }
        return CommandReply.ok();
    }
}
