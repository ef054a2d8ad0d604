package io.turnstile.appctl;

import io.turnstile.control.Command;
import java.util.ArrayList;
import java.util.List;

/**
 * All commands of {@code ovs-appctl} but {@code list-commands} and {@code version}, which the control server has of
 * itself.
 */
public final class AppctlCommands {
    private AppctlCommands() {}

    /** The commands that a switch with such a context has. */
    public static List<Command> all(CommandContext context) {
        DatapathName datapath = new DatapathName(context.bridges());
        context.datapath().setLogName(datapath::text); // as commands call it
        List<Command> all = new ArrayList<>();
        all.addAll(new ProcessCommands(context).commands());
        all.addAll(new LogCommands(context.log()).commands());
        all.addAll(new BridgeCommands(context.pipeline(), context.bridges()).commands());
        all.addAll(new TraceCommand(context.pipeline(), context.datapath(), datapath).commands());
        all.addAll(new DatapathCommands(
                        context.datapath(),
                        context.clock(),
                        context.bridges(),
                        datapath,
                        context.paths(),
                        context.offload()::carriers)
                .commands());
        all.addAll(new FlowCommands(context.datapath(), datapath, context.flowRounds()).commands());
        all.addAll(new FlowEditCommands(context.datapath(), datapath, context.clock()).commands());
        all.addAll(new ConntrackCommands(
                        context.tracker(), context.offload(), context.paths(), context.clock(), datapath::present)
                .commands());
        all.addAll(new AuditCommands(context.tracker().audit(), context.clock()).commands());
        all.addAll(new ZoneLimitCommands(context.tracker().zoneLimits(), datapath::present).commands());
        all.addAll(new FragmentCommands(context.datapath().fragments(), datapath::present).commands());
        all.addAll(new OffloadCommands(
                        context.offload(),
                        context.paths(),
                        context.tracker(),
                        context.clock(),
                        context.offloadMonitor(),
                        context.rescanProviders(),
                        context.pluginFaults(),
                        datapath::present)
                .commands());
        if (context.dummies()) {
            all.addAll(new TimeCommands(context.clock(), context.warp()).commands());
            all.addAll(new DummyCommands(context.datapath(), context.onLinkChange()).commands());
        }
        return List.copyOf(all);
    }
}
