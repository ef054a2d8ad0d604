package io.turnstile.bpf;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Two joined datagram sockets with their descriptors, which Java's own do not show. */
final class SocketPair implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MAX_BYTES = 1_000;

    private final Arena arena = Arena.ofConfined();
    private final int sender;
    private final int receiver;

    SocketPair() throws Throwable {
        MemorySegment fds = arena.allocate(JAVA_INT, 2);
        MethodHandle socketpair = handle("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
        if ((int) socketpair.invokeExact(AF_UNIX, SOCK_DGRAM, 0, fds) != 0) {
            throw new IllegalStateException("socketpair failed");
        }
        sender = fds.getAtIndex(JAVA_INT, 0);
        receiver = fds.getAtIndex(JAVA_INT, 1);
    }

    private static MethodHandle handle(String name, ValueLayout... arguments) {
        ValueLayout result = name.equals("socketpair") ? JAVA_INT : JAVA_LONG;
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    int receiver() {
        return receiver;
    }

    void send(int bytes) throws Throwable {
        MemorySegment data = arena.allocate(bytes);
        long ignored = (long)
                handle("send", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT).invokeExact(sender, data, (long) bytes, 0);
    }

    /** The size of the next datagram; -1 if there is none. */
    long receive() throws Throwable {
        MemorySegment data = arena.allocate(MAX_BYTES);
        return (long) handle("recv", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)
                .invokeExact(receiver, data, data.byteSize(), MSG_DONTWAIT);
    }

    @Override
    public void close() {
        SystemCalls.close(sender);
        SystemCalls.close(receiver);
        arena.close();
    }
}
