package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Command;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the launcher makes of what it finds: memory, masks, and how its child ended. */
class LauncherTest {
    private static final long GIGABYTE = 1L << 30;

    @TempDir
    Path system;

    private Path proc;
    private Path cgroups;

    @BeforeEach
    void aMachineOfSixteenGigabytes() throws IOException {
        proc = Files.createDirectories(system.resolve("proc/self")).getParent();
        cgroups = Files.createDirectories(system.resolve("cgroup"));
        Files.writeString(proc.resolve("meminfo"), "MemTotal:       16777216 kB\nMemFree:         1000000 kB\n");
        belongTo("0::/\n");
    }

    private void belongTo(String groups) throws IOException {
        Files.writeString(proc.resolve("self/cgroup"), groups);
    }

    private void limit(String file, String bytes) throws IOException {
        Path path = cgroups.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, bytes + "\n");
    }

    /** Runs one of the launcher's functions. */
    private Command.Result call(String function, Map<String, String> environment) {
        String script = "source '" + Turnstile.repositoryRoot().resolve("turnstile") + "'; " + function;
        return Command.of("bash", "-c", script).with(environment).attempt();
    }

    private long usable() {
        return Long.parseLong(
                call("usable_memory '" + proc + "' '" + cgroups + "'", Map.of()).text());
    }

    private String heap(long usableBytes) {
        return call("heap_megabytes " + usableBytes, Map.of()).text();
    }

    @Test
    void withoutLimitsItIsTheMachines() throws IOException {
        assertThat(usable()).isEqualTo(16 * GIGABYTE);
        belongTo("0::/system.slice/switch.service\n");
        limit("system.slice/switch.service/memory.max", "max");
        limit("system.slice/memory.max", Long.toString(32 * GIGABYTE));
        assertThat(usable()).isEqualTo(16 * GIGABYTE);
    }

    @Test
    void theLeastLimitOfAllControlGroupsAboveCounts() throws IOException {
        belongTo("0::/system.slice/switch.service\n");
        limit("system.slice/switch.service/memory.max", Long.toString(3 * GIGABYTE));
        assertThat(usable()).isEqualTo(3 * GIGABYTE);
        limit("system.slice/memory.max", Long.toString(2 * GIGABYTE));
        assertThat(usable()).isEqualTo(2 * GIGABYTE);
        limit("memory.max", Long.toString(GIGABYTE)); // a container's own, seen from inside
        assertThat(usable()).isEqualTo(GIGABYTE);
    }

    @Test
    void controlGroupsOfVersionOneCountToo() throws IOException {
        belongTo("5:cpu,cpuacct:/a\n4:memory:/docker/abc\n1:name=systemd:/b\n0::/\n");
        limit("memory/docker/abc/memory.limit_in_bytes", Long.toString(5 * GIGABYTE));
        assertThat(usable()).isEqualTo(5 * GIGABYTE);
        limit("memory/docker/abc/memory.limit_in_bytes", "9223372036854771712"); // its word for no limit
        assertThat(usable()).isEqualTo(16 * GIGABYTE);
    }

    @Test
    void theHeapIsAQuarterWithinBounds() {
        assertThat(heap(8 * GIGABYTE)).isEqualTo("2048");
        assertThat(heap(GIGABYTE / 2)).isEqualTo("256");
        assertThat(heap(64 * GIGABYTE)).isEqualTo("4096");
    }

    @Test
    void whoeverKnowsBetterSaysSo() {
        assertThat(call("heap_megabytes 1", Map.of("TURNSTILE_HEAP", "800m")).text())
                .isEqualTo("800");
        assertThat(call("heap_megabytes 1", Map.of("TURNSTILE_HEAP", "3G")).text())
                .isEqualTo("3072");
        Command.Result nonsense = call("heap_megabytes 1", Map.of("TURNSTILE_HEAP", "much"));
        assertThat(nonsense.exitStatus()).isEqualTo(1);
        assertThat(nonsense.errors()).isEqualTo("turnstile: TURNSTILE_HEAP: not a size such as 800m or 2g: much\n");
        assertThat(call("heap_megabytes 1", Map.of("TURNSTILE_HEAP", "10m")).errors())
                .contains("at least 64m");
    }

    @Test
    void directMemoryIsSetAsWell() {
        assertThat(call("set_memory_options; echo \"${MEMORY_OPTIONS[@]}\"", Map.of("TURNSTILE_HEAP", "2g"))
                        .text())
                .isEqualTo("-Xmx2048m -XX:MaxDirectMemorySize=1024m");
    }

    @Test
    void nothingThatItMakesIsToBeWrittenByOthers() {
        for (String[] maskAndMask : new String[][] {{"0", "0022"}, {"002", "0022"}, {"077", "0077"}}) {
            Command.Result inside = Command.of(
                            "bash",
                            "-c",
                            "umask " + maskAndMask[0] + "; source '"
                                    + Turnstile.repositoryRoot().resolve("turnstile") + "'; umask")
                    .attempt();
            assertThat(inside.text()).as(maskAndMask[0]).isEqualTo(maskAndMask[1]);
        }
    }

    /** The signals are those of ovs-vswitchd's monitor (daemon.man); 3 is the status of the last words. */
    @Test
    void whatIsAProgramErrorIsStartedAgain() {
        String loop = "for status in $(seq 0 160); do ! is_program_error $status || status_text $status; done";
        assertThat(call(loop, Map.of()).lines())
                .containsExactly(
                        "exit status 3",
                        "killed (Illegal instruction)",
                        "killed (Aborted)",
                        "killed (Bus error)",
                        "killed (Floating point exception)",
                        "killed (Segmentation fault)",
                        "killed (Broken pipe)",
                        "killed (Alarm clock)",
                        "killed (CPU time limit exceeded)",
                        "killed (File size limit exceeded)");
        assertThat(call("status_text 143; status_text 137; status_text 1", Map.of())
                        .lines())
                .containsExactly("exit status 143", "killed (Killed)", "exit status 1");
    }

    /** A signal that is passed on ends the wait but not the child; the child's own status is what counts. */
    @Test
    void theChildsStatusIsTheOneThatCounts() {
        String child =
                "trap 'kill -TERM $child' TERM; bash -c 'trap \"exit 5\" TERM; echo up; while :; do sleep 0.05; done'"
                        + " > up & child=$!; until [[ -s up ]]; do sleep 0.05; done; (kill -TERM $$); await_end $child;"
                        + " echo $STATUS";
        assertThat(call("cd '" + system + "'; " + child, Map.of()).text()).isEqualTo("5");
    }

    private String ownerOfTheReadyFilesFolder(String detach) throws IOException {
        Path folder = Files.createDirectory(system.resolve("ready" + detach));
        return call(
                        "DETACH=" + detach + " USER_SPEC=nobody GROUP= LOG_FILE= NEEDS_DEVICES= RUN_FOLDER='" + system
                                + "' READY_FILE='" + folder.resolve("up") + "'; become_user; stat -c %U '" + folder
                                + "'",
                        Map.of())
                .text();
    }

    /** Only root gives away. */
    @Test
    @Tag("system")
    void onlyAFolderOfItsOwnIsGivenToTheUser() throws IOException {
        assertThat(ownerOfTheReadyFilesFolder("yes")).isEqualTo("nobody");
        assertThat(ownerOfTheReadyFilesFolder(""))
                .as("whoever calls has named it")
                .isEqualTo("root");
    }
}
