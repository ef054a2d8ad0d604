package io.turnstile.bpf;

import java.util.Optional;

/** Machines on which this package knows the number of bpf(2), as Java calls them. */
enum Architecture {
    // spotless:off
    //      os.arch    asm/unistd.h
    AMD64  ("amd64",   321),
    AARCH64("aarch64", 280);
    // spotless:on

    private final String javaName;
    private final long bpfNumber;

    Architecture(String javaName, long bpfNumber) {
        this.javaName = javaName;
        this.bpfNumber = bpfNumber;
    }

    static Optional<Architecture> of(String osArch) {
        for (Architecture architecture : values()) {
            if (architecture.javaName.equals(osArch)) {
                return Optional.of(architecture);
            }
        }
        return Optional.empty();
    }

    /** The number of bpf(2) here. */
    static long bpfNumber() {
        return Here.BPF_NUMBER;
    }

    /** Looked up once. */
    private static final class Here {
        static final long BPF_NUMBER = of(System.getProperty("os.arch"))
                .map(architecture -> architecture.bpfNumber)
                .orElseThrow(() -> new UnsupportedOperationException(
                        "no number of bpf(2) is known for " + System.getProperty("os.arch")));
    }
}
