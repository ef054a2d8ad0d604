package io.turnstile.bpf;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A file descriptor of an object in the kernel, which goes when nobody has one of it any more. The kernel sets
 * close-on-exec, so that programs which this process starts do not inherit it.
 */
final class Descriptor {
    private final String whose;
    private final int fd;
    private final AtomicBoolean closed = new AtomicBoolean();

    Descriptor(String whose, int fd) {
        this.whose = whose;
        this.fd = fd;
    }

    int fd() {
        if (closed.get()) {
            throw new IllegalStateException(whose + " is closed");
        }
        return fd;
    }

    void close() {
        if (closed.compareAndSet(false, true)) {
            // close(2) gives the descriptor back whatever it answers.
            int ignored = SystemCalls.close(fd);
        }
    }
}
