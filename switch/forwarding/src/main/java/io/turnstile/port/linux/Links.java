package io.turnstile.port.linux;

import io.turnstile.port.PortException;
import io.turnstile.port.PortStatistics;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Looks at and changes network devices of the current network namespace: netdevice(7), rtnetlink(7), linux/ethtool.h.
 *
 * <p>Threads: any; each call opens and closes its own socket, so calls are for control paths. What changes a device is
 * done by the {@link DeviceThread}.
 */
public final class Links {
    private static final int AF_INET = 2;
    private static final int AF_NETLINK = 16;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
    private static final int NETLINK_ROUTE = 0;
    private static final int NLM_F_REQUEST = 1;
    private static final int RTM_GETLINK = 18;
    private static final int REPLY_BYTES = 32 << 10;

    // asm-generic/sockios.h
    private static final long SIOCGIFFLAGS = 0x8913;
    private static final long SIOCSIFFLAGS = 0x8914;
    private static final long SIOCSIFMTU = 0x8922;
    private static final long SIOCSIFHWADDR = 0x8924;
    private static final long SIOCGIFINDEX = 0x8933;
    private static final long SIOCETHTOOL = 0x8946;
    // struct ifreq
    private static final int IFREQ_BYTES = 40;
    private static final int IFREQ_VALUE_OFFSET = 16;
    static final int MAX_NAME_BYTES = 15;
    private static final int ARPHRD_ETHER = 1;
    // linux/ethtool.h
    private static final int ETHTOOL_GSET = 1;
    private static final int ETHTOOL_GDRVINFO = 3;
    private static final int ETHTOOL_GGRO = 0x2b;
    private static final int ETHTOOL_SGRO = 0x2c;
    private static final int ETHTOOL_CMD_BYTES = 44;
    private static final int SPEED_OFFSET = 12;
    private static final int DUPLEX_OFFSET = 14;
    private static final int SPEED_HIGH_OFFSET = 28;
    private static final int DRVINFO_BYTES = 196;
    private static final int DRIVER_OFFSET = 4;
    private static final int VERSION_OFFSET = 36;
    private static final int FIRMWARE_OFFSET = 68;
    private static final int TEXT_BYTES = 32;

    /** How a device's duplex is shown in Interface:duplex. */
    public enum Duplex {
        HALF,
        FULL,
        UNKNOWN
    }

    /**
     * The link's speed and duplex.
     *
     * @param speedMbps 0 if not known
     */
    public record Speed(long speedMbps, Duplex duplex) {}

    /** Interface:status driver_name, driver_version, firmware_version. */
    public record Driver(String name, String version, String firmwareVersion) {}

    private Links() {}

    /** The device's index; empty if there is no device of that name. */
    public static OptionalInt index(String device) {
        if (!isDeviceName(device)) {
            return OptionalInt.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, device);
            int result = control(SIOCGIFINDEX, request);
            if (result == -LibC.ENODEV) {
                return OptionalInt.empty();
            }
            SystemCallFailure.check(result, device + ": SIOCGIFINDEX");
            return OptionalInt.of(request.get(ValueLayout.JAVA_INT, IFREQ_VALUE_OFFSET));
        }
    }

    /**
     * The device's index.
     *
     * @throws PortException if there is none, with the message that users know from {@code ovs-vsctl show}
     */
    public static int requireIndex(String device) {
        return index(device).orElseThrow(() -> PortException.noSuchDevice(device));
    }

    /** What the kernel reports of the device by that index. */
    static LinkMessage query(int ifIndex, String device) {
        int fd = SystemCallFailure.check(LibC.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE), "netlink");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(LinkMessage.HEADER_BYTES + LinkMessage.INFO_BYTES, 4);
            request.set(ValueLayout.JAVA_INT, 0, (int) request.byteSize());
            request.set(ValueLayout.JAVA_SHORT, 4, (short) RTM_GETLINK);
            request.set(ValueLayout.JAVA_SHORT, 6, (short) NLM_F_REQUEST);
            request.set(ValueLayout.JAVA_INT, LinkMessage.HEADER_BYTES + 4L, ifIndex);
            SystemCallFailure.check(LibC.send(fd, request, 0), device + ": RTM_GETLINK");
            MemorySegment reply = arena.allocate(REPLY_BYTES, 4);
            int size = SystemCallFailure.check(LibC.recv(fd, reply, 0), device + ": RTM_GETLINK");
            int type = reply.get(ValueLayout.JAVA_SHORT, 4);
            if (type == LinkMessage.NLMSG_ERROR) {
                throw SystemCallFailure.onOpen(device, reply.get(ValueLayout.JAVA_INT, LinkMessage.HEADER_BYTES));
            }
            return LinkMessage.parse(
                    type, reply.asSlice(LinkMessage.HEADER_BYTES, size - (long) LinkMessage.HEADER_BYTES));
        } finally {
            LibC.close(fd);
        }
    }

    /** The name that the device of that index has now; empty if it is gone from this network namespace. */
    static Optional<String> presentName(int ifIndex) {
        try {
            return Optional.of(query(ifIndex, "").name());
        } catch (PortException e) {
            return Optional.empty();
        }
    }

    /** The kernel's counters of the device by that index. */
    static PortStatistics statistics(int ifIndex, String device) {
        return Objects.requireNonNull(
                query(ifIndex, device).statistics(), "the kernel answers RTM_GETLINK with IFLA_STATS64");
    }

    public static void setAdminUp(String device, boolean up) {
        DeviceThread.run(() -> setAdminUpHere(device, up));
    }

    private static void setAdminUpHere(String device, boolean up) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, device);
            SystemCallFailure.check(control(SIOCGIFFLAGS, request), device + ": cannot read flags");
            int before = request.get(ValueLayout.JAVA_SHORT, IFREQ_VALUE_OFFSET);
            int after = up ? before | LinkMessage.IFF_UP : before & ~LinkMessage.IFF_UP;
            if (after != before) {
                request.set(ValueLayout.JAVA_SHORT, IFREQ_VALUE_OFFSET, (short) after);
                SystemCallFailure.check(control(SIOCSIFFLAGS, request), device + ": cannot set flags");
            }
        }
    }

    /**
     * Gives the device the address.
     *
     * @param macAddress 48 bits
     */
    public static void setMacAddress(String device, long macAddress) {
        DeviceThread.run(() -> setMacAddressHere(device, macAddress));
    }

    private static void setMacAddressHere(String device, long macAddress) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, device);
            request.set(ValueLayout.JAVA_SHORT, IFREQ_VALUE_OFFSET, (short) ARPHRD_ETHER);
            for (int i = 0; i < 6; i++) {
                request.set(ValueLayout.JAVA_BYTE, IFREQ_VALUE_OFFSET + 2L + i, (byte) (macAddress >>> (40 - 8 * i)));
            }
            SystemCallFailure.check(control(SIOCSIFHWADDR, request), device + ": cannot set address");
        }
    }

    public static void setMtu(String device, int mtuBytes) {
        DeviceThread.run(() -> setMtuHere(device, mtuBytes));
    }

    private static void setMtuHere(String device, int mtuBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = request(arena, device);
            request.set(ValueLayout.JAVA_INT, IFREQ_VALUE_OFFSET, mtuBytes);
            SystemCallFailure.check(control(SIOCSIFMTU, request), device + ": cannot set MTU");
        }
    }

    /** Link speed by ethtool; devices that do not report it have speed 0 and duplex unknown. */
    public static Speed speed(String device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment settings = arena.allocate(ETHTOOL_CMD_BYTES, 8);
            if (ethtool(arena, device, ETHTOOL_GSET, settings) < 0) {
                return new Speed(0, Duplex.UNKNOWN);
            }
            long speed = (settings.get(ValueLayout.JAVA_SHORT, SPEED_OFFSET) & 0xffffL)
                    | (settings.get(ValueLayout.JAVA_SHORT, SPEED_HIGH_OFFSET) & 0xffffL) << 16;
            Duplex duplex = switch (settings.get(ValueLayout.JAVA_BYTE, DUPLEX_OFFSET)) {
                case 0 -> Duplex.HALF;
                case 1 -> Duplex.FULL;
                default -> Duplex.UNKNOWN;
            };
            return new Speed(speed == 0xffff_ffffL ? 0 : speed, duplex);
        }
    }

    /** The driver's name and versions; empty strings where it has none. */
    public static Driver driver(String device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(DRVINFO_BYTES, 8);
            if (ethtool(arena, device, ETHTOOL_GDRVINFO, info) < 0) {
                return new Driver("", "", "");
            }
            return new Driver(text(info, DRIVER_OFFSET), text(info, VERSION_OFFSET), text(info, FIRMWARE_OFFSET));
        }
    }

    /** Whether the device joins received TCP segments into super-frames (GRO); false if it cannot. */
    static boolean receiveOffload(String device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(8, 8);
            return ethtool(arena, device, ETHTOOL_GGRO, value) >= 0 && value.get(ValueLayout.JAVA_INT, 4) != 0;
        }
    }

    /** Switches the device's joining of received segments (GRO) on or off; returns false if the device refuses. */
    static boolean setReceiveOffload(String device, boolean on) {
        return DeviceThread.call(() -> setReceiveOffloadHere(device, on));
    }

    private static boolean setReceiveOffloadHere(String device, boolean on) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(8, 8);
            value.set(ValueLayout.JAVA_INT, 4, on ? 1 : 0);
            return ethtool(arena, device, ETHTOOL_SGRO, value) >= 0;
        }
    }

    private static int ethtool(Arena arena, String device, int command, MemorySegment data) {
        data.set(ValueLayout.JAVA_INT, 0, command);
        MemorySegment request = request(arena, device);
        request.set(ValueLayout.JAVA_LONG, IFREQ_VALUE_OFFSET, data.address());
        return control(SIOCETHTOOL, request);
    }

    private static String text(MemorySegment info, int offset) {
        return info.asSlice(offset, TEXT_BYTES).getString(0, StandardCharsets.UTF_8);
    }

    static boolean isDeviceName(String name) {
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        return bytes > 0 && bytes <= MAX_NAME_BYTES && name.indexOf('/') < 0 && name.indexOf('\0') < 0;
    }

    /** A {@code struct ifreq} for the device. */
    static MemorySegment request(Arena arena, String device) {
        if (!isDeviceName(device)) {
            throw PortException.noSuchDevice(device);
        }
        MemorySegment request = arena.allocate(IFREQ_BYTES, 8);
        request.setString(0, device);
        return request;
    }

    private static int control(long operation, MemorySegment request) {
        int fd = SystemCallFailure.check(LibC.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0), "socket");
        try {
            return LibC.ioctl(fd, operation, request);
        } finally {
            LibC.close(fd);
        }
    }
}
