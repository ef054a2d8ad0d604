package io.turnstile.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Turnstile as a person starts it: {@code ./turnstile run} with a run directory of its own and the embedded database. */
public final class Turnstile implements LabSwitch {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private final Lab lab;
    private final Path directory;
    private final List<String> options;
    private final SwitchTools tools;
    private Daemon daemon;

    private Turnstile(Lab lab, Path directory, List<String> options) {
        this.lab = lab;
        this.directory = directory;
        this.options = options;
        this.tools = new SwitchTools(directory, directory.resolve("turnstile.ctl"));
    }

    /** @param options more options for {@code ./turnstile run}, such as {@code --enable-dummy} */
    public static Turnstile start(Lab lab, String... options) {
        Path directory = lab.folder().resolve("turnstile" + System.nanoTime());
        directory.toFile().mkdirs();
        Turnstile turnstile = new Turnstile(lab, directory, List.of(options));
        turnstile.start();
        return turnstile;
    }

    /** The repository's root: the first folder above the working directory that has the launcher. */
    public static Path repositoryRoot() {
        for (Path path = Path.of("").toAbsolutePath(); path != null; path = path.getParent()) {
            if (Files.isExecutable(path.resolve("turnstile")) && Files.exists(path.resolve("pom.xml"))) {
                return path;
            }
        }
        throw new IllegalStateException("run this inside the repository: no ./turnstile above " + Path.of("").toAbsolutePath());
    }

    private void start() {
        List<String> words = new ArrayList<>(List.of(repositoryRoot().resolve("turnstile").toString(), "run",
                "--rundir=" + directory, "--db-file=" + directory.resolve("conf.db"),
                "--unixctl=" + tools.controlSocket()));
        words.addAll(options);
        daemon = lab.start(words, Map.of());
        Await.until("turnstile listens", START_LIMIT,
                () -> Files.exists(tools.controlSocket()) && Files.exists(directory.resolve("db.sock")), daemon::output);
    }

    /** kill -9, then a new start on the same database file. */
    public void killAndRestart() {
        daemon.kill();
        directory.resolve("db.sock").toFile().delete();
        tools.controlSocket().toFile().delete();
        start();
    }

    public Path databaseFile() {
        return directory.resolve("conf.db");
    }

    public Path runDirectory() {
        return directory;
    }

    @Override
    public String name() {
        return "turnstile";
    }

    @Override
    public Command vsctl(String... words) {
        return tools.vsctl(words);
    }

    @Override
    public Command ofctl(String... words) {
        return tools.ofctl(words);
    }

    @Override
    public Command appctl(String... words) {
        return tools.appctl(words);
    }

    @Override
    public Daemon daemon() {
        return daemon;
    }

    @Override
    public void close() {
        daemon.close();
    }
}
