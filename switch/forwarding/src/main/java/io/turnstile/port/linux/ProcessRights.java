package io.turnstile.port.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What this process may do, and what it lets others do with the files and sockets that it makes. */
public final class ProcessRights {
    private static final int NOT_FOR_OTHERS = 0_027;
    // linux/capability.h
    private static final int VERSION_3 = 0x20080522;
    private static final int HEADER_BYTES = 8;
    private static final int DATA_BYTES = 24;
    private static final int PERMITTED_OFFSET = 4;
    private static final int CAP_NET_ADMIN = 12;
    private static final int CAP_NET_RAW = 13;
    private static final int OF_DEVICES = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW;

    private ProcessRights() {}

    /**
     * From now on whatever the process makes is not for others: sockets have mode 0750, files 0640, as those of Open
     * vSwitch, whatever the mask was that it was started with. To be called before there are other threads: a socket
     * can be reached as soon as it is bound, so that its mode has to be right from the start.
     */
    public static void restrictNewFiles() {
        LibC.umask(NOT_FOR_OTHERS);
    }

    /** Whether this is not root's process and has rights of root's all the same, which most threads do not need. */
    public static boolean areLent() {
        try (Arena arena = Arena.ofConfined()) {
            return LibC.geteuid() != 0 && permitted(arena) != 0;
        }
    }

    /** The calling thread keeps what devices need, as far as it has it, and passes it on to no program. */
    static void keepDeviceRights() {
        try (Arena arena = Arena.ofConfined()) {
            set(arena, permitted(arena) & OF_DEVICES);
        }
    }

    private static int permitted(Arena arena) {
        MemorySegment data = arena.allocate(DATA_BYTES, 4);
        SystemCallFailure.check(LibC.capget(header(arena), data), "capget");
        return data.get(ValueLayout.JAVA_INT, PERMITTED_OFFSET);
    }

    /** The calling thread, and those that it starts, may do what its user may, and no more. */
    static void dropAll() {
        try (Arena arena = Arena.ofConfined()) {
            set(arena, 0);
        }
    }

    /** Effective and permitted are the same, and nothing is inheritable: so the ambient set is empty, too. */
    private static void set(Arena arena, int capabilities) {
        MemorySegment data = arena.allocate(DATA_BYTES, 4);
        data.set(ValueLayout.JAVA_INT, 0, capabilities);
        data.set(ValueLayout.JAVA_INT, PERMITTED_OFFSET, capabilities);
        SystemCallFailure.check(LibC.capset(header(arena), data), "capset");
    }

    private static MemorySegment header(Arena arena) {
        MemorySegment header = arena.allocate(HEADER_BYTES, 4);
        header.set(ValueLayout.JAVA_INT, 0, VERSION_3);
        return header;
    }
}
