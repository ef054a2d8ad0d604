package io.turnstile.offload.provider.ebpf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The system calls that the tests need. */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle SOCKET = handle("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = handle("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            handle("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECV = handle("recv", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SEND = handle("send", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle OPEN = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("open"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle SETNS = handle("setns", JAVA_INT, JAVA_INT, JAVA_INT);

    private static final MethodHandle IF_NAMETOINDEX = handle("if_nametoindex", JAVA_INT, ADDRESS);

    private Libc() {}

    private static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    private interface Call {
        long run() throws Throwable;
    }

    private static long call(Call call) {
        try {
            return call.run();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static int check(String what, long result) {
        if (result < 0) {
            throw new IllegalStateException(what + " failed");
        }
        return (int) result;
    }

    static int socket(int domain, int type, int protocol) {
        return check("socket", call(() -> (int) SOCKET.invokeExact(domain, type, protocol)));
    }

    static void bind(int fd, MemorySegment address) {
        int bytes = (int) address.byteSize();
        check("bind", call(() -> (int) BIND.invokeExact(fd, address, bytes)));
    }

    static boolean setOption(int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return setOption(fd, level, option, arena.allocateFrom(JAVA_INT, value));
        }
    }

    static boolean setOption(int fd, int level, int option, MemorySegment value) {
        int bytes = (int) value.byteSize();
        return call(() -> (int) SETSOCKOPT.invokeExact(fd, level, option, value, bytes)) == 0;
    }

    /** Of the calling thread's namespace. */
    static int interfaceIndex(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            int index = (int) call(() -> (int) IF_NAMETOINDEX.invokeExact(text));
            return check("if_nametoindex", index == 0 ? -1 : index);
        }
    }

    /** -1 if nothing came in time. */
    static int receive(int fd, MemorySegment into, int flags) {
        return (int) call(() -> (long) RECV.invokeExact(fd, into, into.byteSize(), flags));
    }

    static long send(int fd, MemorySegment data) {
        return call(() -> (long) SEND.invokeExact(fd, data, data.byteSize(), 0));
    }

    static void close(int fd) {
        call(() -> (int) CLOSE.invokeExact(fd));
    }

    /** The calling thread is in that namespace from now on. */
    static void enterNetworkNamespace(String name) {
        final int newNet = 0x40000000;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom("/run/netns/" + name);
            int fd = check("open " + name, call(() -> (int) OPEN.invokeExact(path, 0)));
            check("setns", call(() -> (int) SETNS.invokeExact(fd, newNet)));
            close(fd);
        }
    }
}
