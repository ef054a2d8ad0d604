package io.turnstile.bpf;

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
 * The system calls under this package. An error comes back as the negated errno, as inside the kernel.
 *
 * <p>Threads: any; errno is captured in memory of the calling thread.
 */
final class SystemCalls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MemoryLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    /** {@code long syscall(long number, ...)}, with bpf(2)'s arguments: glibc has no function of that name. */
    private static final MethodHandle SYSCALL = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT),
            Linker.Option.firstVariadicArg(1),
            Linker.Option.captureCallState("errno"));

    private static final MethodHandle SETSOCKOPT =
            handle("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle MMAP = handle(
            "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle SOCKET =
            handle("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SEND =
            handle("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle RECV =
            handle("recv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    /** {@code int ioctl(int fd, unsigned long request, ...)}. */
    private static final MethodHandle IOCTL = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("ioctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
            Linker.Option.firstVariadicArg(2),
            Linker.Option.captureCallState("errno"));

    private SystemCalls() {}

    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }

    /** bpf(2). */
    static int bpf(int command, MemorySegment attribute) {
        MemorySegment captured = CAPTURED.get();
        try {
            long result = (long) SYSCALL.invokeExact(
                    captured, Architecture.bpfNumber(), command, attribute, (int) attribute.byteSize());
            return (int) result(result, captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int setsockopt(int fd, int level, int option, MemorySegment value) {
        MemorySegment captured = CAPTURED.get();
        try {
            int size = (int) value.byteSize();
            return (int) result((int) SETSOCKOPT.invokeExact(captured, fd, level, option, value, size), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** A socket that a process started from here does not inherit. */
    static int socket(int domain, int type, int protocol) {
        final int closeOnExec = 0x80000;
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) result((int) SOCKET.invokeExact(captured, domain, type | closeOnExec, protocol), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Sends all of the memory. */
    static int send(int fd, MemorySegment message) {
        MemorySegment captured = CAPTURED.get();
        try {
            long size = message.byteSize();
            return (int) result((long) SEND.invokeExact(captured, fd, message, size, 0), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** How many bytes came. */
    static int receive(int fd, MemorySegment room) {
        MemorySegment captured = CAPTURED.get();
        try {
            long size = room.byteSize();
            return (int) result((long) RECV.invokeExact(captured, fd, room, size, 0), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) result((int) IOCTL.invokeExact(captured, fd, request, argument), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int close(int fd) {
        MemorySegment captured = CAPTURED.get();
        try {
            return (int) result((int) CLOSE.invokeExact(captured, fd), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * Maps the descriptor's first bytes, shared, to be read and written, in whole pages; the address, or a negated
     * errno.
     */
    static long mapShared(int fd, long sizeBytes) {
        final int readAndWrite = 3;
        final int shared = 1;
        MemorySegment captured = CAPTURED.get();
        try {
            return result((long) MMAP.invokeExact(captured, 0L, sizeBytes, readAndWrite, shared, fd, 0L), captured);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static void unmap(long address, long sizeBytes) {
        MemorySegment captured = CAPTURED.get();
        try {
            // Fails on a range that is none, which an arena that frees it once cannot have.
            int ignored = (int) MUNMAP.invokeExact(captured, address, sizeBytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static long result(long value, MemorySegment captured) {
        return value == -1 ? -(int) ERRNO.get(captured, 0L) : value;
    }

    /** A downcall handle declares Throwable, but a C function throws nothing: what arrives here is the JVM's. */
    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }
}
