package io.turnstile.daemon;

import io.turnstile.control.CommandReply;
import io.turnstile.control.ControlServer;
import java.util.List;

/** {@code vlog/…}. */
final class LogCommands {

    void registerAll(ControlServer control) {
        control.register("vlog/set", "{spec | PATTERN:destination:pattern}", 0, Integer.MAX_VALUE, LogCommands::set);
        control.register("vlog/list", "", 0, 0, arguments -> CommandReply.ok(LogSettings.list()));
        control.register("vlog/reopen", "", 0, 0, arguments -> {
            String error = LogSettings.reopen();
            return error == null ? CommandReply.ok() : CommandReply.error(error);
        });
    }

    private static CommandReply set(List<String> specs) {
        for (String spec : specs) {
            String error = LogSettings.set(spec);
            if (error != null) {
                return CommandReply.error(error);
            }
        }
        return CommandReply.ok();
    }
}
