package io.turnstile.port.linux;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Opens and binds AF_PACKET sockets (packet(7)). Constants from linux/if_packet.h and asm-generic/socket.h.
 *
 * <p>PACKET_QDISC_BYPASS is left alone: the kernel drops super-frames that it would have to cut on that way, the
 * device's queueing discipline would not be honoured, and on a veth it is not measurably faster.
 */
final class PacketSocket {
    static final int SOL_PACKET = 263;
    static final int PACKET_RX_RING = 5;
    static final int PACKET_STATISTICS = 6;
    static final int PACKET_VERSION = 10;
    static final int TPACKET_V2 = 1;

    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0x800 | 0x80000;
    private static final int ETH_P_ALL = 3;
    private static final int PACKET_ADD_MEMBERSHIP = 1;
    private static final int PACKET_MR_PROMISC = 1;
    private static final int PACKET_COPY_THRESH = 7;
    private static final int PACKET_VNET_HDR = 15;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int SOL_SOCKET = 1;
    private static final int SO_DETACH_BPF = 27;
    private static final int SO_ATTACH_BPF = 50;
    private static final int SO_SNDBUFFORCE = 32;
    private static final int SO_RCVBUFFORCE = 33;
    /** Room for a few super-frames on their way; ordinary frames wait in the ring instead. */
    private static final int SOCKET_BUFFER_BYTES = 8 << 20;
    // struct sockaddr_ll
    private static final int ADDRESS_BYTES = 20;
    private static final int PROTOCOL_OFFSET = 2;
    private static final int IFINDEX_OFFSET = 4;
    // struct packet_mreq
    private static final int MEMBERSHIP_BYTES = 16;
    private static final int MEMBERSHIP_TYPE_OFFSET = 4;

    private PacketSocket() {}

    /** A socket with its options set, bound to nothing yet: no frame comes in before {@link #bind}. */
    static int open(String device) {
        int fd = LibC.socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw SystemCallFailure.onOpen(device, fd);
        }
        option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, device);
        option(fd, SOL_PACKET, PACKET_VNET_HDR, 1, device);
        option(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, device);
        // Frames longer than a ring slot are queued whole on the socket as well, and are read from there.
        option(fd, SOL_PACKET, PACKET_COPY_THRESH, 1, device);
        option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES, device);
        option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES, device);
        return fd;
    }

    private static void option(int fd, int level, int option, int value, String device) {
        int result = LibC.setsockopt(fd, level, option, value);
        if (result < 0) {
            LibC.close(fd);
            throw SystemCallFailure.of(device + ": packet socket option " + option, result);
        }
    }

    /** From now on the program decides what the socket gets; a negated errno if it cannot be had. */
    static int attachFilter(int fd, int programFd) {
        return LibC.setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, programFd);
    }

    /** Nobody decides any more. */
    static void detachFilter(int fd) {
        // Fails if there is no program, which is what was wanted.
        int ignored = LibC.setsockopt(fd, SOL_SOCKET, SO_DETACH_BPF, 0);
    }

    /** From now on the socket gets the device's frames, those not addressed to it as well. */
    static void bind(int fd, int ifIndex, String device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 4);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_PACKET);
            address.set(ValueLayout.JAVA_SHORT.withOrder(BIG_ENDIAN), PROTOCOL_OFFSET, (short) ETH_P_ALL);
            address.set(ValueLayout.JAVA_INT, IFINDEX_OFFSET, ifIndex);
            SystemCallFailure.check(LibC.bind(fd, address), device + ": failed to bind raw socket");
            MemorySegment membership = arena.allocate(MEMBERSHIP_BYTES, 4);
            membership.set(ValueLayout.JAVA_INT, 0, ifIndex);
            membership.set(ValueLayout.JAVA_SHORT, MEMBERSHIP_TYPE_OFFSET, (short) PACKET_MR_PROMISC);
            SystemCallFailure.check(
                    LibC.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership),
                    device + ": cannot become promiscuous");
        }
    }
}
