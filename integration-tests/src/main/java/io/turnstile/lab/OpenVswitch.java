package io.turnstile.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Open vSwitch: Debian's ovsdb-server and ovs-vswitchd in directories of their own, nothing shared with the system's.
 */
public final class OpenVswitch extends LabSwitch {
    /** Where Debian's package has the Open_vSwitch schema. */
    public static final String SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";

    private final Daemon database;
    private final Daemon daemon;

    private OpenVswitch(SwitchTools tools, Daemon database, Daemon daemon) {
        super(tools);
        this.database = database;
        this.daemon = daemon;
    }

    /**
     * Starts a switch with a database of its own.
     *
     * @param options more options for ovs-vswitchd, such as {@code --enable-dummy}
     */
    public static OpenVswitch start(Lab lab, String... options) {
        SwitchTools tools = SwitchTools.make(lab, "ovs", "vswitchd.ctl");
        Daemon database = startDatabase(lab, tools);
        List<String> words = new ArrayList<>(List.of(
                "ovs-vswitchd",
                "unix:" + tools.databaseSocket(),
                "--unixctl=" + tools.controlSocket(),
                "--disable-system",
                "-vconsole:warn"));
        words.addAll(List.of(options));
        Daemon daemon = lab.start(words, tools.environment());
        Await.until(
                "ovs-vswitchd listens",
                Duration.ofSeconds(10),
                () -> Files.exists(tools.controlSocket()),
                daemon::output);
        return new OpenVswitch(tools, database, daemon);
    }

    /** A fresh database behind a real ovsdb-server in the tools' run directory. */
    static Daemon startDatabase(Lab lab, SwitchTools tools) {
        Path directory = tools.runDirectory();
        Path file = directory.resolve("conf.db");
        Command.of("ovsdb-tool", "create", file.toString(), SCHEMA).run();
        Path socket = tools.databaseSocket();
        Daemon database = lab.start(
                List.of(
                        "ovsdb-server",
                        file.toString(),
                        "--remote=punix:" + socket,
                        "--unixctl=" + directory.resolve("ovsdb.ctl")),
                tools.environment());
        Await.until("ovsdb-server listens", Duration.ofSeconds(10), () -> Files.exists(socket), database::output);
        tools.vsctl("--no-wait", "init").run();
        return database;
    }

    @Override
    public String name() {
        return "ovs-vswitchd";
    }

    @Override
    public Daemon daemon() {
        return daemon;
    }

    @Override
    public void close() {
        if (tools.appctl("exit", "--cleanup").attempt().succeeded()) { // Otherwise its devices stay.
            daemon.awaitEnd(Duration.ofSeconds(10));
        }
        daemon.close();
        database.close();
    }
}
