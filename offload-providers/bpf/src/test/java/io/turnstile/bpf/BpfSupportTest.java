package io.turnstile.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.BpfSupport.Step;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Why BPF cannot be used, in words. */
class BpfSupportTest {
    private static final Capabilities NONE = new Capabilities(0);
    private static final Capabilities BPF_AND_NET_ADMIN = new Capabilities(1L << 39 | 1L << 12);
    private static final Capabilities SYS_ADMIN = new Capabilities(1L << 21);

    private static String obstacle(Step step, Errno errno, Capabilities capabilities) {
        return BpfSupport.obstacle(step, BpfException.of("asking", -errno.number()), capabilities)
                .orElse("none");
    }

    @Test
    void aKernelWithTcxLooksForTheDevice() {
        assertThat(obstacle(Step.LINK, Errno.ENODEV, NONE)).isEqualTo("none");
    }

    @Test
    void aKernelWithoutTcxDoesNot() {
        assertThat(obstacle(Step.LINK, Errno.EINVAL, SYS_ADMIN))
                .isEqualTo("the kernel has no tcx (Linux 6.6, CONFIG_NET_XGRESS)");
    }

    @Test
    void aKernelWithoutBpfIsNamed() {
        assertThat(obstacle(Step.MAP, Errno.ENOSYS, SYS_ADMIN))
                .isEqualTo("the kernel has no system call bpf (CONFIG_BPF_SYSCALL)");
    }

    @Test
    void whoHasNoRightsHearsWhichAreNeeded() {
        String needed = "BPF is not permitted: it needs root, or the capabilities CAP_BPF and CAP_NET_ADMIN";
        assertThat(obstacle(Step.MAP, Errno.EPERM, NONE)).isEqualTo(needed);
        assertThat(obstacle(Step.PROGRAM, Errno.EPERM, new Capabilities(1L << 39)))
                .isEqualTo(needed);
        assertThat(obstacle(Step.PROGRAM, Errno.EPERM, new Capabilities(1L << 12)))
                .isEqualTo(needed);
    }

    @Test
    void whoHasTheRightsHearsWhatElseForbids() {
        for (Capabilities capabilities : List.of(BPF_AND_NET_ADMIN, SYS_ADMIN)) {
            assertThat(obstacle(Step.MAP, Errno.EPERM, capabilities))
                    .isEqualTo(
                            "BPF is not permitted although the thread has the capabilities: a container, a seccomp filter, "
                                    + "a security module, or before Linux 5.11 the limit of locked memory (ulimit -l)");
        }
    }

    @Test
    void anyOtherErrorIsSaidAsItIs() {
        assertThat(obstacle(Step.PROGRAM, Errno.ENOMEM, SYS_ADMIN)).isEqualTo("asking: ENOMEM (no memory)");
        assertThat(BpfSupport.obstacle(Step.MAP, BpfException.of("asking", -4711), NONE))
                .hasValue("asking: errno 4711");
    }

    @Test
    void otherPlatformsAreNamed() {
        assertThat(BpfSupport.platformObstacle("Mac OS X", "aarch64"))
                .hasValue("BPF needs Linux, and this is Mac OS X");
        assertThat(BpfSupport.platformObstacle("Linux", "riscv64"))
                .hasValue("the number of the system call bpf is not known for the architecture riscv64");
        assertThat(BpfSupport.platformObstacle("Linux", "aarch64")).isEmpty();
    }

    @Test
    @Tag("system")
    void thisMachineHasEverything() {
        assertThat(BpfSupport.probe()).isEqualTo(new BpfSupport(Optional.empty()));
        assertThat(BpfSupport.probe().isUsable()).isTrue();
    }

    @Test
    @Tag("system")
    void whoIsNotRootIsToldSo() throws Exception {
        assertThat(probedBy(
                        List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all"),
                        List.of("--enable-native-access=ALL-UNNAMED")))
                .isEqualTo("BPF is not permitted: it needs root, or the capabilities CAP_BPF and CAP_NET_ADMIN");
    }

    @Test
    @Tag("system")
    void nativeCodeThatIsForbiddenIsSaid() throws Exception {
        assertThat(probedBy(List.of(), List.of("--illegal-native-access=deny", "--enable-native-access=java.base")))
                .startsWith("native code cannot be called: ");
    }

    /** What another JVM says, started by {@code wrapper} with {@code options}. */
    private static String probedBy(List<String> wrapper, List<String> options) throws Exception {
        List<String> command = new ArrayList<>(wrapper);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        command.addAll(List.of("-cp", classPath, Probe.class.getName()));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return output.strip();
    }

    /** Probes and prints. */
    static final class Probe {
        private Probe() {}

        public static void main(String[] arguments) {
            System.out.println(BpfSupport.probe().obstacle().orElse("usable"));
        }
    }
}
