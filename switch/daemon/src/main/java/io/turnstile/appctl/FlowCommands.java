package io.turnstile.appctl;

import io.turnstile.control.Command;
import io.turnstile.control.CommandReply;
import io.turnstile.datapath.Datapath;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * {@code revalidator/…} and {@code upcall/…}: how datapath flows are kept (ovs-vswitchd(8)). What Open vSwitch's
 * revalidators do is done in rounds, by one thread.
 */
final class FlowCommands {
    private final Datapath datapath;
    private final DatapathName name;
    private final CommandContext.FlowRounds rounds;

    FlowCommands(Datapath datapath, DatapathName name, CommandContext.FlowRounds rounds) {
        this.datapath = datapath;
        this.name = name;
        this.rounds = rounds;
    }

    List<Command> commands() {
        return List.of(
                Command.later("revalidator/wait", "", 0, 0, arguments -> awaitRound()),
                Command.of("revalidator/purge", "", 0, 0, arguments -> {
                    datapath.invalidate(flow -> true);
                    return CommandReply.ok();
                }),
                Command.of("revalidator/pause", "", 0, 0, arguments -> pause(true)),
                Command.of("revalidator/resume", "", 0, 0, arguments -> pause(false)),
                Command.of("upcall/disable-megaflows", "", 0, 0, arguments -> useMegaflows(false)),
                Command.of("upcall/enable-megaflows", "", 0, 0, arguments -> useMegaflows(true)),
                Command.of("upcall/disable-ufid", "", 0, 0, arguments -> dumpTersely(false)),
                Command.of("upcall/enable-ufid", "", 0, 0, arguments -> dumpTersely(true)),
                Command.of("upcall/show", "", 0, 0, arguments -> CommandReply.ok(show())),
                Command.of("upcall/set-flow-limit", "flow-limit-number", 1, 1, this::setLimit));
    }

    private CompletableFuture<CommandReply> awaitRound() {
        return rounds.next().thenApply(done -> CommandReply.ok());
    }

    private CommandReply pause(boolean paused) {
        rounds.setPaused(paused);
        return CommandReply.ok();
    }

    /** Whether flows are for all packets that they hold for; those that are there go. */
    private CommandReply useMegaflows(boolean uses) {
        datapath.setUsesMegaflows(uses);
        datapath.invalidate(flow -> true);
        return CommandReply.ok(uses ? "megaflows enabled" : "megaflows disabled");
    }

    /** Whether the rounds' log names flows by their id alone, or shows them. */
    private CommandReply dumpTersely(boolean tersely) {
        datapath.setNamesFlowsTersely(tersely);
        return CommandReply.ok(
                tersely
                        ? "Datapath dumping tersely using UFID enabled for supported datapaths"
                        : "Datapath dumping tersely using UFID disabled");
    }

    private String show() {
        if (name.present().isEmpty()) {
            return "";
        }
        Datapath.Upkeep upkeep = datapath.upkeep();
        return """
            %s:
              flows         : (current %d) (avg %d) (max %d) (limit %d)
              dump duration : %dms
              ufid enabled : %s

              0: (keys %d)
            """.formatted(
                        name.text(),
                        upkeep.flows(),
                        upkeep.averageFlows(),
                        upkeep.mostFlows(),
                        upkeep.limit(),
                        upkeep.durationMs(),
                        datapath.namesFlowsTersely(),
                        upkeep.flows());
    }

    private CommandReply setLimit(List<String> arguments) {
        Long limit = DpctlLine.unsigned32(arguments.getFirst());
        int flows = limit == null ? 0 : (int) Math.min(limit, Integer.MAX_VALUE);
        datapath.setFlowLimit(flows);
        return CommandReply.ok("set flow_limit to " + flows + "\n");
    }
}
