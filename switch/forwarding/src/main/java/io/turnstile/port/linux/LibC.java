package io.turnstile.port.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The system calls that ports need, each as its manual page (section 2) has it, with one difference: an error comes
 * back as the negated errno, as inside the kernel.
 *
 * <p>Threads: any; errno is captured in memory of the calling thread. No allocation after a thread's first call.
 */
final class LibC {
    static final int EINTR = 4;
    static final int ENODEV = 19;
    static final int ENOTSOCK = 88;
    static final int ENOBUFS = 105;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MemoryLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private static final MethodHandle SOCKET = call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = call("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            call("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKOPT =
            call("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle CLOSE = call("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle OPEN = variadic("open", ADDRESS, JAVA_INT);
    private static final MethodHandle IOCTL = variadic("ioctl", JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle READ = call("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle WRITE = call("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle SEND = call("send", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle RECV = call("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SENDMMSG = call("sendmmsg", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle MMAP =
            call("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MUNMAP = call("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle EPOLL_CREATE1 = call("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL = call("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle EPOLL_WAIT = call("epoll_wait", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle EVENTFD = call("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle UMASK = call("umask", JAVA_INT, JAVA_INT);
    private static final MethodHandle GETEUID = call("geteuid", JAVA_INT);
    private static final MethodHandle CAPGET = call("capget", JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle CAPSET = call("capset", JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(ADDRESS, JAVA_INT));
    private static final long STRERROR_MAX_BYTES = 256;

    private LibC() {}

    private static MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"));
    }

    /**
     * A C function {@code int name(a, b, ...)}: what follows two fixed arguments is passed by the variadic convention.
     */
    private static MethodHandle variadic(String name, MemoryLayout... arguments) {
        FunctionDescriptor descriptor = FunctionDescriptor.of(JAVA_INT, arguments);
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name),
                descriptor,
                Linker.Option.firstVariadicArg(2),
                Linker.Option.captureCallState("errno"));
    }

    static int socket(int domain, int type, int protocol) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) SOCKET.invokeExact(captured, domain, type, protocol), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int bind(int fd, MemorySegment address) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) BIND.invokeExact(captured, fd, address, (int) address.byteSize()), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int setsockopt(int fd, int level, int option, MemorySegment value) {
        MemorySegment captured = CAPTURED.get();
        try {
            int size = (int) value.byteSize();
            return result((int) SETSOCKOPT.invokeExact(captured, fd, level, option, value, size), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int setsockopt(int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return setsockopt(fd, level, option, arena.allocateFrom(JAVA_INT, value));
        }
    }

    /** Reads an option of exactly {@code value}'s size. */
    static int getsockopt(int fd, int level, int option, MemorySegment value) {
        MemorySegment captured = CAPTURED.get();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocateFrom(JAVA_INT, (int) value.byteSize());
            return result((int) GETSOCKOPT.invokeExact(captured, fd, level, option, value, size), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Takes a socket's pending error (SO_ERROR); negated errno if the descriptor is none of a socket. */
    static int takeSocketError(int fd) {
        final int solSocket = 1;
        final int soError = 4;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment error = arena.allocate(JAVA_INT);
            int result = getsockopt(fd, solSocket, soError, error);
            return result < 0 ? result : error.get(JAVA_INT, 0);
        }
    }

    static int close(int fd) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) CLOSE.invokeExact(captured, fd), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int open(String path, int flags) {
        MemorySegment captured = CAPTURED.get();
        try (Arena arena = Arena.ofConfined()) {
            return result((int) OPEN.invokeExact(captured, arena.allocateFrom(path), flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) IOCTL.invokeExact(captured, fd, request, argument), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int read(int fd, MemorySegment into, long offset, long sizeBytes) {
        MemorySegment captured = CAPTURED.get();
        try {
            MemorySegment bytes = into.asSlice(offset, sizeBytes);
            return (int) result((long) READ.invokeExact(captured, fd, bytes, sizeBytes), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int write(int fd, MemorySegment from, long offset, long sizeBytes) {
        MemorySegment captured = CAPTURED.get();
        try {
            MemorySegment bytes = from.asSlice(offset, sizeBytes);
            return (int) result((long) WRITE.invokeExact(captured, fd, bytes, sizeBytes), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int send(int fd, MemorySegment from, int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) result((long) SEND.invokeExact(captured, fd, from, from.byteSize(), flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int recv(int fd, MemorySegment into, int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) result((long) RECV.invokeExact(captured, fd, into, into.byteSize(), flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int sendmmsg(int fd, MemorySegment messages, int length, int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) SENDMMSG.invokeExact(captured, fd, messages, length, flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Maps {@code sizeBytes} of {@code fd} shared, readable and writable; the address, or a negated errno. */
    static long mmap(int fd, long sizeBytes, int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((long) MMAP.invokeExact(captured, 0L, sizeBytes, 3, flags, fd, 0L), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int munmap(MemorySegment mapped) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) MUNMAP.invokeExact(captured, mapped.address(), mapped.byteSize()), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int epollCreate(int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) EPOLL_CREATE1.invokeExact(captured, flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int epollCtl(int epoll, int operation, int fd, MemorySegment event) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) EPOLL_CTL.invokeExact(captured, epoll, operation, fd, event), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int epollWait(int epoll, MemorySegment events, int length, int timeoutMs) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) EPOLL_WAIT.invokeExact(captured, epoll, events, length, timeoutMs), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int eventfd(int flags) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) EVENTFD.invokeExact(captured, 0, flags), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int umask(int mask) {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) UMASK.invokeExact(captured, mask);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int geteuid() {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) GETEUID.invokeExact(captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int capget(MemorySegment header, MemorySegment data) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) CAPGET.invokeExact(captured, header, data), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int capset(MemorySegment header, MemorySegment data) {
        MemorySegment captured = CAPTURED.get();
        try {
            return result((int) CAPSET.invokeExact(captured, header, data), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The C library's text for an errno, for example {@code No such device}. */
    static String strerror(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(STRERROR_MAX_BYTES).getString(0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int result(int value, MemorySegment captured) {
        return value == -1 ? -(int) ERRNO.get(captured, 0L) : value;
    }

    private static long result(long value, MemorySegment captured) {
        return value == -1 ? -(int) ERRNO.get(captured, 0L) : value;
    }

    /** A downcall handle declares Throwable but a C function throws nothing: what arrives here is a VM error. */
    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
