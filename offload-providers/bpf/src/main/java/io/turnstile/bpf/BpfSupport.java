package io.turnstile.bpf;

import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.TcxAction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * Whether the calling thread can load and attach programs here: rights are each thread's own.
 *
 * @param obstacle why not, in words; empty if it can
 */
public record BpfSupport(Optional<String> obstacle) {
    /** No device has it, so that asking attaches nothing; a kernel that knows tcx looks for it. */
    private static final int NO_DEVICE = Integer.MAX_VALUE;

    /** What is tried, in this order. */
    enum Step {
        MAP,
        PROGRAM,
        LINK
    }

    public boolean isUsable() {
        return obstacle.isEmpty();
    }

    /** Tries a map, a tc program and tcx, and leaves nothing behind. Never throws. */
    public static BpfSupport probe() {
        return new BpfSupport(platformObstacle(System.getProperty("os.name"), System.getProperty("os.arch"))
                .or(BpfSupport::kernelObstacle));
    }

    static Optional<String> platformObstacle(String osName, String osArch) {
        if (!osName.equals("Linux")) {
            return Optional.of("BPF needs Linux, and this is " + osName);
        }
        return Architecture.of(osArch).isPresent()
                ? Optional.empty()
                : Optional.of("the number of the system call bpf is not known for the architecture " + osArch);
    }

    private static Optional<String> kernelObstacle() {
        try {
            return firstObstacle();
        } catch (LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return Optional.of("native code cannot be called: " + cause.getMessage());
        } catch (UncheckedIOException | IOException e) {
            return Optional.of("/proc or /sys cannot be read: " + e.getMessage());
        }
    }

    private static Optional<String> firstObstacle() throws IOException {
        Step step = Step.MAP;
        MapDefinition definition = MapDefinition.of("probe", MapType.ARRAY, Integer.BYTES, Long.BYTES, 1);
        try (BpfMap map = BpfMap.create(definition)) {
            step = Step.PROGRAM;
            Assembler assembler = new Assembler()
                    .loadMap(Register.R1, map.fd())
                    .mov(Register.R0, TcxAction.NEXT.code())
                    .exit();
            try (LoadedProgram program = LoadedProgram.load(ProgramType.TC, "probe", "GPL", assembler.assemble())) {
                step = Step.LINK;
                BpfLink.tcxIngress(program, NO_DEVICE).close();
                return Optional.empty();
            }
        } catch (BpfException e) {
            return obstacle(step, e, Capabilities.ofThisThread());
        }
    }

    /** What an error means for whoever has to do something about it. */
    static Optional<String> obstacle(Step step, BpfException failure, Capabilities capabilities) {
        if (step == Step.LINK && failure.is(Errno.ENODEV)) {
            return Optional.empty();
        }
        if (failure.is(Errno.ENOSYS)) {
            return Optional.of("the kernel has no system call bpf (CONFIG_BPF_SYSCALL)");
        }
        if (failure.is(Errno.EPERM)) {
            return Optional.of(
                    capabilities.sufficeForNetworking()
                            ? "BPF is not permitted although the thread has the capabilities: a container, a seccomp"
                                    + " filter, a security module, or before Linux 5.11 the limit of locked memory (ulimit -l)"
                            : "BPF is not permitted: it needs root, or the capabilities CAP_BPF and CAP_NET_ADMIN");
        }
        if (step == Step.LINK && failure.is(Errno.EINVAL)) {
            return Optional.of("the kernel has no tcx (Linux 6.6, CONFIG_NET_XGRESS)");
        }
        return Optional.of(failure.summary());
    }
}
