package io.turnstile.port.linux;

import io.turnstile.time.OncePerMinute;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The watcher reports every network device of this network namespace that appears, changes or goes (rtnetlink(7),
 * RTMGRP_LINK).
 *
 * <p>Threads: one thread of this class calls the listeners, one at a time; they should be quick, for events that come
 * faster than they are taken are lost, which is reported.
 */
public final class LinkWatcher implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LinkWatcher.class);
    private static final OncePerMinute TOLD = new OncePerMinute();
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0x800 | 0x80000;
    private static final int RTMGRP_LINK = 1;
    // struct sockaddr_nl
    private static final int ADDRESS_BYTES = 12;
    private static final int GROUPS_OFFSET = 8;
    private static final int MESSAGES_BYTES = 64 << 10;
    private static final int TYPE_OFFSET = 4;
    private static final int TOKEN = 0;

    private final Consumer<LinkChange> onChange;
    private final Runnable onLost;
    private final int fd;
    private final Poller poller = new Poller();
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Starts watching; what changes after this returns is reported.
     *
     * @param onLost called when events were lost: whoever cares looks at its devices again
     */
    public LinkWatcher(Consumer<LinkChange> onChange, Runnable onLost) {
        this.onChange = onChange;
        this.onLost = onLost;
        this.fd = SystemCallFailure.check(LibC.socket(AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, 0), "netlink");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 4);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_NETLINK);
            address.set(ValueLayout.JAVA_INT, GROUPS_OFFSET, RTMGRP_LINK);
            SystemCallFailure.check(LibC.bind(fd, address), "netlink");
        }
        poller.watch(fd, TOKEN);
        thread = Thread.ofPlatform().daemon().name("link-watcher").start(this::run);
    }

    private void run() {
        int[] ready = new int[1];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment messages = arena.allocate(MESSAGES_BYTES, 8);
            while (!closed) {
                poller.await(ready, -1);
                int size = LibC.recv(fd, messages, 0);
                while (size > 0 && !closed) {
                    report(messages.asSlice(0, size));
                    size = LibC.recv(fd, messages, 0);
                }
                if (size == -LibC.ENOBUFS && !closed) {
                    call(onLost);
                }
            }
        }
    }

    private void report(MemorySegment messages) {
        long at = 0;
        while (at + LinkMessage.HEADER_BYTES <= messages.byteSize()) {
            int size = messages.get(ValueLayout.JAVA_INT, at);
            if (size < LinkMessage.HEADER_BYTES + LinkMessage.INFO_BYTES || at + size > messages.byteSize()) {
                return;
            }
            int type = messages.get(ValueLayout.JAVA_SHORT, at + TYPE_OFFSET);
            if (type == LinkMessage.RTM_NEWLINK || type == LinkMessage.RTM_DELLINK) {
                LinkMessage link = LinkMessage.parse(
                        type, messages.asSlice(at + LinkMessage.HEADER_BYTES, size - (long) LinkMessage.HEADER_BYTES));
                call(() -> onChange.accept(new LinkChange(
                        link.name(),
                        link.ifIndex(),
                        link.present(),
                        link.adminUp(),
                        link.carrier(),
                        link.macAddress(),
                        link.mtuBytes())));
            }
            at += (size + 3) & ~3;
        }
    }

    /** A listener that throws must not end the watch for the others. */
    private static void call(Runnable listener) {
        try {
            listener.run();
        } catch (RuntimeException e) {
            if (TOLD.isDue("listener", e)) {
                LOG.error("a listener for link changes failed", e);
            }
        }
    }

    /** No listener runs after this returns. Not to be called by a listener. */
    @Override
    public void close() {
        closed = true;
        poller.wakeup();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        poller.close();
        LibC.close(fd);
    }
}
