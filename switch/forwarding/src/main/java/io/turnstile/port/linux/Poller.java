package io.turnstile.port.linux;

import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The poller waits until ports have frames (epoll(7), level triggered). Ports without a descriptor wake it by callback
 * ({@link Port#onReadable}).
 *
 * <p>Threads: {@link #await} by one thread; everything else by any. Nothing is allocated by {@code await}.
 */
public final class Poller implements AutoCloseable {
    /** Token reported by nobody; used inside for the wake-up descriptor. */
    private static final int WAKE_TOKEN = -1;

    private static final int MAX_EVENTS = 64;

    // linux/eventpoll.h. struct epoll_event is packed on x86-64 only.
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");
    private static final int EVENT_BYTES = PACKED ? 12 : 16;
    private static final int EVENT_DATA_OFFSET = PACKED ? 4 : 8;
    private static final int EPOLLIN = 1;
    private static final int EPOLLERR = 8;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private record CallbackPort(Port port, int token) {}

    private final Arena arena = Arena.ofShared();
    private final MemorySegment events = arena.allocate((long) EVENT_BYTES * MAX_EVENTS, 8);
    private final MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);
    private final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1L);
    private final int epoll;
    private final int wake;
    private final Map<Port, Integer> descriptors = new HashMap<>();

    /** Replaced as a whole under this object's lock, read without it by the waiting thread. */
    private volatile CallbackPort[] callbackPorts = {};
    /** True while the waiter is, or is about to be, asleep: only then a wake-up costs a system call. */
    private volatile boolean asleep;

    private volatile boolean woken;
    private boolean closed;

    /** @throws PortException if the kernel gives no descriptors */
    public Poller() {
        epoll = SystemCallFailure.check(LibC.epollCreate(EPOLL_CLOEXEC), "epoll_create1");
        wake = SystemCallFailure.check(LibC.eventfd(EFD_CLOEXEC_NONBLOCK), "eventfd");
        SystemCallFailure.check(control(EPOLL_CTL_ADD, wake, WAKE_TOKEN), "epoll_ctl");
    }

    /** From now on {@link #await} reports {@code token} (not negative) while the port has frames. */
    public synchronized void add(Port port, int token) {
        if (token < 0) {
            throw new IllegalArgumentException("token " + token);
        }
        int descriptor = port.pollDescriptor();
        if (descriptor >= 0) {
            watch(descriptor, token);
            descriptors.put(port, descriptor);
        } else {
            CallbackPort[] grown = Arrays.copyOf(callbackPorts, callbackPorts.length + 1);
            grown[grown.length - 1] = new CallbackPort(port, token);
            callbackPorts = grown;
            port.onReadable(this::wakeSleeper);
            wakeup();
        }
    }

    /** As {@link #add}, for a descriptor that is no port's. */
    void watch(int descriptor, int token) {
        SystemCallFailure.check(control(EPOLL_CTL_ADD, descriptor, token), "epoll_ctl");
    }

    /** The port is reported no more by an {@code await} that begins after this. Unknown ports are ignored. */
    public synchronized void remove(Port port) {
        Integer descriptor = descriptors.remove(port);
        if (descriptor != null) {
            control(EPOLL_CTL_DEL, descriptor, 0); // Fails harmlessly if the port closed its descriptor already.
            return;
        }
        CallbackPort[] rest =
                Arrays.stream(callbackPorts).filter(each -> each.port() != port).toArray(CallbackPort[]::new);
        if (rest.length != callbackPorts.length) {
            port.onReadable(() -> {});
            callbackPorts = rest;
        }
    }

    /**
     * Waits until a port has frames, {@link #wakeup} is called or the time is over.
     *
     * @param readyTokens receives the tokens of ports that have frames; ports that did not fit are reported next time
     * @param timeoutNs 0 does not wait, negative waits without end; rounded up to milliseconds
     * @return how many tokens were written, 0 after a timeout or a wake-up
     */
    public int await(int[] readyTokens, long timeoutNs) {
        int ready = pendingCallbackPorts(readyTokens);
        if (ready > 0 || timeoutNs == 0) {
            return collect(readyTokens, ready, 0);
        }
        asleep = true;
        // Looks again after `asleep` is visible: who delivers after this look sees it and writes the eventfd.
        ready = pendingCallbackPorts(readyTokens);
        int timeoutMs = ready > 0 || woken ? 0 : timeoutMs(timeoutNs);
        ready = collect(readyTokens, ready, timeoutMs);
        // In this order: a wake-up in between is either seen by the caller after this return or kept for the next wait.
        woken = false;
        asleep = false;
        return ready > 0 ? ready : pendingCallbackPorts(readyTokens);
    }

    /** Makes the present {@link #await}, or else the next one, return at once. */
    public void wakeup() {
        woken = true;
        wakeSleeper();
    }

    private void wakeSleeper() {
        if (asleep) {
            LibC.write(wake, one, 0, Long.BYTES);
        }
    }

    private int pendingCallbackPorts(int[] readyTokens) {
        int ready = 0;
        for (CallbackPort each : callbackPorts) {
            if (ready < readyTokens.length && each.port().hasPending()) {
                readyTokens[ready++] = each.token();
            }
        }
        return ready;
    }

    private int collect(int[] readyTokens, int ready, int timeoutMs) {
        int room = Math.min(MAX_EVENTS, readyTokens.length - ready);
        if (room == 0) {
            return ready;
        }
        int found = LibC.epollWait(epoll, events, room, timeoutMs);
        for (int i = 0; i < found; i++) {
            long at = (long) i * EVENT_BYTES;
            int token = events.get(ValueLayout.JAVA_INT_UNALIGNED, at + EVENT_DATA_OFFSET);
            int flags = events.get(ValueLayout.JAVA_INT_UNALIGNED, at);
            if (token == WAKE_TOKEN) {
                LibC.read(wake, counter, 0, Long.BYTES);
            } else {
                readyTokens[ready++] = token;
            }
            if ((flags & EPOLLERR) != 0) {
                takeError(events.get(ValueLayout.JAVA_INT_UNALIGNED, at + EVENT_DATA_OFFSET + 4));
            }
        }
        return ready;
    }

    /**
     * A socket whose device went down holds an error, and epoll would report it for ever: reading it clears it. A TAP
     * descriptor whose device was deleted can't be cleared and has nothing more to say.
     */
    private void takeError(int descriptor) {
        if (LibC.takeSocketError(descriptor) == -LibC.ENOTSOCK) {
            control(EPOLL_CTL_DEL, descriptor, 0);
        }
    }

    private static int timeoutMs(long timeoutNs) {
        return timeoutNs < 0
                ? -1
                : (int) Math.min(Integer.MAX_VALUE, (timeoutNs + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
    }

    private int control(int operation, int descriptor, int token) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment event = scratch.allocate(EVENT_BYTES, 8);
            event.set(ValueLayout.JAVA_INT, 0, EPOLLIN);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, EVENT_DATA_OFFSET, token);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, EVENT_DATA_OFFSET + 4, descriptor);
            return LibC.epollCtl(epoll, operation, descriptor, event);
        }
    }

    /** Call after the waiting thread has ended: {@link #wakeup} it first. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            for (CallbackPort each : callbackPorts) {
                each.port().onReadable(() -> {});
            }
            LibC.close(epoll);
            LibC.close(wake);
            arena.close();
        }
    }
}
