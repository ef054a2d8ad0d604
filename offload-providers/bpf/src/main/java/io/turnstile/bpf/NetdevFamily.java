package io.turnstile.bpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * What the kernel's generic netlink family {@code netdev} says of a device (linux/netdev.h, Linux 6.3; the framing is
 * that of netlink(7) and linux/genetlink.h).
 */
final class NetdevFamily {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int NETLINK_GENERIC = 16;
    // struct nlmsghdr and genlmsghdr, one behind the other
    private static final int LENGTH_OFFSET = 0;
    private static final int TYPE_OFFSET = 4;
    private static final int FLAGS_OFFSET = 6;
    private static final int COMMAND_OFFSET = 16;
    private static final int VERSION_OFFSET = 17;
    private static final int HEADERS_BYTES = 20;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLMSG_ERROR = 2;
    private static final int ERROR_OFFSET = 16;
    // struct nlattr
    private static final int ATTRIBUTE_TYPE_OFFSET = 2;
    private static final int ATTRIBUTE_HEADER_BYTES = 4;
    private static final int ATTRIBUTE_TYPE_MASK = 0x3fff;

    private static final int GENL_ID_CTRL = 0x10;
    private static final int CTRL_CMD_GETFAMILY = 3;
    private static final int CTRL_ATTR_FAMILY_ID = 1;
    private static final int CTRL_ATTR_FAMILY_NAME = 2;
    private static final int NETDEV_CMD_DEV_GET = 1;
    private static final int NETDEV_A_DEV_IFINDEX = 1;
    private static final int NETDEV_A_DEV_XDP_FEATURES = 3;

    private static final int REQUEST_BYTES = 64;
    private static final int ANSWER_BYTES = 8192;

    private final int socket;
    private final MemorySegment request;
    private final MemorySegment answer;

    private NetdevFamily(int socket, Arena arena) {
        this.socket = socket;
        request = arena.allocate(REQUEST_BYTES, Long.BYTES);
        answer = arena.allocate(ANSWER_BYTES, Long.BYTES);
    }

    /** Bits of {@code enum netdev_xdp_act}; {@link Errno#ENODEV} if there is no such device. */
    static long xdpFeatures(int ifindex) throws BpfException {
        String asked = "asking for the XDP features of device " + ifindex;
        int socket = SystemCalls.socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
        BpfException.check(socket, asked);
        try (Arena arena = Arena.ofConfined()) {
            NetdevFamily family = new NetdevFamily(socket, arena);
            int number = family.number(asked);
            family.begin(number, NETDEV_CMD_DEV_GET);
            family.request.set(ValueLayout.JAVA_INT, HEADERS_BYTES + ATTRIBUTE_HEADER_BYTES, ifindex);
            MemorySegment features =
                    family.ask(NETDEV_A_DEV_IFINDEX, Integer.BYTES, NETDEV_A_DEV_XDP_FEATURES, Long.BYTES, asked);
            return features.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        } finally {
            SystemCalls.close(socket);
        }
    }

    /** The family's number, which is as good as its name until the machine starts again. */
    private int number(String asked) throws BpfException {
        byte[] name = "netdev\0".getBytes(StandardCharsets.US_ASCII);
        begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
        MemorySegment.copy(
                name, 0, request, ValueLayout.JAVA_BYTE, HEADERS_BYTES + ATTRIBUTE_HEADER_BYTES, name.length);
        return Short.toUnsignedInt(ask(CTRL_ATTR_FAMILY_NAME, name.length, CTRL_ATTR_FAMILY_ID, Short.BYTES, asked)
                .get(ValueLayout.JAVA_SHORT, 0));
    }

    private void begin(int family, int command) {
        request.fill((byte) 0);
        request.set(ValueLayout.JAVA_SHORT, TYPE_OFFSET, (short) family);
        request.set(ValueLayout.JAVA_SHORT, FLAGS_OFFSET, (short) NLM_F_REQUEST);
        request.set(ValueLayout.JAVA_BYTE, COMMAND_OFFSET, (byte) command);
        request.set(ValueLayout.JAVA_BYTE, VERSION_OFFSET, (byte) 1);
    }

    /** Sends what was begun with one attribute, whose value stands there already; an attribute of the answer. */
    private MemorySegment ask(int attribute, int valueBytes, int wanted, int wantedBytes, String asked)
            throws BpfException {
        request.set(ValueLayout.JAVA_SHORT, HEADERS_BYTES, (short) (ATTRIBUTE_HEADER_BYTES + valueBytes));
        request.set(ValueLayout.JAVA_SHORT, HEADERS_BYTES + ATTRIBUTE_TYPE_OFFSET, (short) attribute);
        int lengthBytes = aligned(HEADERS_BYTES + ATTRIBUTE_HEADER_BYTES + valueBytes);
        request.set(ValueLayout.JAVA_INT, LENGTH_OFFSET, lengthBytes);
        BpfException.check(SystemCalls.send(socket, request.asSlice(0, lengthBytes)), asked);
        int receivedBytes = SystemCalls.receive(socket, answer);
        BpfException.check(receivedBytes, asked);
        if (answer.get(ValueLayout.JAVA_SHORT, TYPE_OFFSET) == NLMSG_ERROR) {
            BpfException.check(answer.get(ValueLayout.JAVA_INT, ERROR_OFFSET), asked);
        }
        for (int at = HEADERS_BYTES; at + ATTRIBUTE_HEADER_BYTES <= receivedBytes; ) {
            int size = Short.toUnsignedInt(answer.get(ValueLayout.JAVA_SHORT, at));
            int type = answer.get(ValueLayout.JAVA_SHORT, at + ATTRIBUTE_TYPE_OFFSET) & ATTRIBUTE_TYPE_MASK;
            if (type == wanted && size >= ATTRIBUTE_HEADER_BYTES + wantedBytes && at + size <= receivedBytes) {
                return answer.asSlice(at + ATTRIBUTE_HEADER_BYTES, wantedBytes);
            }
            at += aligned(Math.max(size, ATTRIBUTE_HEADER_BYTES));
        }
        throw BpfException.of(asked, -Errno.EOPNOTSUPP.number());
    }

    private static int aligned(int bytes) {
        return bytes + 3 & ~3;
    }
}
