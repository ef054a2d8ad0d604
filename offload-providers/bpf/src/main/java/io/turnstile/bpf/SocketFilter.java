package io.turnstile.bpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Attaches programs to sockets of this process (SO_ATTACH_BPF, socket(7)). The program stays until another comes or the
 * socket is closed.
 */
public final class SocketFilter {
    // asm-generic/socket.h
    private static final int SOL_SOCKET = 1;
    private static final int SO_DETACH_BPF = 27;
    private static final int SO_ATTACH_BPF = 50;

    private SocketFilter() {}

    /**
     * From now on the socket gets of a packet as many bytes as the program returns, and none of it if that is 0.
     *
     * @param program of type {@link ProgramType#SOCKET_FILTER}; may be closed afterwards
     */
    public static void attach(int socketFd, LoadedProgram program) throws BpfException {
        set(socketFd, SO_ATTACH_BPF, program.fd(), "attaching program " + program.name() + " to a socket");
    }

    /** Takes the socket's program off; {@link Errno#ENOENT} if it has none. */
    public static void detach(int socketFd) throws BpfException {
        set(socketFd, SO_DETACH_BPF, 0, "detaching a socket's program");
    }

    private static void set(int socketFd, int option, int value, String asked) throws BpfException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocateFrom(ValueLayout.JAVA_INT, value);
            BpfException.check(SystemCalls.setsockopt(socketFd, SOL_SOCKET, option, argument), asked);
        }
    }
}
