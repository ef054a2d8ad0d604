package io.turnstile.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How the three tools reach a switch whose sockets lie in one run directory. */
record SwitchTools(Path runDirectory, Path controlSocket) {

    Map<String, String> environment() {
        return Map.of(
                "OVS_RUNDIR",
                runDirectory.toString(),
                "OVS_LOGDIR",
                runDirectory.toString(),
                "OVS_DBDIR",
                runDirectory.toString(),
                "OVS_SYSCONFDIR",
                runDirectory.toString());
    }

    Command vsctl(String... words) {
        return tool(List.of("ovs-vsctl", "--db=unix:" + runDirectory.resolve("db.sock"), "--timeout=20"), words);
    }

    Command ofctl(String... words) {
        return tool(List.of("ovs-ofctl", "--timeout=20"), words);
    }

    Command appctl(String... words) {
        return tool(List.of("ovs-appctl", "--timeout=20", "--target=" + controlSocket), words);
    }

    private Command tool(List<String> program, String... words) {
        List<String> all = new ArrayList<>(program);
        all.addAll(List.of(words));
        return Command.of(all).with(environment());
    }
}
