package io.turnstile.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** How the three tools reach a switch whose sockets lie in one run directory. */
record SwitchTools(Path runDirectory, Path controlSocket) {

    /** Makes a run directory in the lab's folder, for a switch whose control socket has the name given. */
    static SwitchTools make(Lab lab, String directoryName, String controlSocket) {
        Path directory = lab.folder().resolve(directoryName + System.nanoTime());
        directory.toFile().mkdirs();
        return new SwitchTools(directory, directory.resolve(controlSocket));
    }

    /** Where ovs-vsctl finds the database. */
    Path databaseSocket() {
        return runDirectory.resolve("db.sock");
    }

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
        return tool(List.of("ovs-vsctl", "--db=unix:" + databaseSocket(), "--timeout=20"), words);
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
