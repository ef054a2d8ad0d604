package io.turnstile.bpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The rights of the calling thread, as far as BPF asks for them (capabilities(7)).
 *
 * @param mask effective capabilities, bit by bit
 */
record Capabilities(long mask) {
    private static final int CAP_NET_ADMIN = 12;
    private static final int CAP_SYS_ADMIN = 21;
    private static final int CAP_BPF = 39;
    private static final String FIELD = "CapEff:";

    static Capabilities ofThisThread() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
            if (line.startsWith(FIELD)) {
                return new Capabilities(
                        Long.parseUnsignedLong(line.substring(FIELD.length()).strip(), 16));
            }
        }
        return new Capabilities(0);
    }

    /** Whether they are what maps, networking programs and links need. */
    boolean sufficeForNetworking() {
        return has(CAP_SYS_ADMIN) || has(CAP_BPF) && has(CAP_NET_ADMIN);
    }

    private boolean has(int capability) {
        return (mask >>> capability & 1) != 0;
    }
}
