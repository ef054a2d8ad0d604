package io.turnstile.bpf;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * What XDP programs can count on of a network device, as it is now: an administrator may change it at any time, of a
 * veth device also at its other end. Devices are those of the network namespace of the calling thread.
 *
 * @param driver its driver's name; empty if it does not say
 * @param takesTagsOff whether a VLAN tag may be gone from the frame, and known to packets alone, before an XDP program
 *     runs. Of veth devices nobody can say it: that is decided at the other end
 * @param runsXdp whether programs run in the driver, and may redirect
 * @param sendsXdp whether frames can be redirected to it
 * @param sendsXdpFragments whether, too, those of several buffers
 */
public record DeviceAbilities(
        String driver, boolean takesTagsOff, boolean runsXdp, boolean sendsXdp, boolean sendsXdpFragments) {
    // enum netdev_xdp_act in linux/netdev.h
    private static final long XDP_BASIC = 1;
    private static final long XDP_REDIRECT = 1 << 1;
    private static final long XDP_NDO_XMIT = 1 << 2;
    private static final long XDP_NDO_XMIT_SG = 1 << 6;
    // linux/sockios.h, linux/if.h, linux/ethtool.h
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;
    private static final long SIOCGIFNAME = 0x8910;
    private static final long SIOCETHTOOL = 0x8946;
    private static final int IFREQ_BYTES = 40;
    private static final int IFREQ_VALUE_OFFSET = 16;
    private static final int ETHTOOL_GDRVINFO = 0x3;
    private static final int DRIVER_INFO_BYTES = 196;
    private static final int DRIVER_OFFSET = 4;
    private static final int DRIVER_BYTES = 32;
    private static final int ETHTOOL_GFLAGS = 0x25;
    private static final int FLAG_RXVLAN = 1 << 8;
    private static final int FLAGS_BYTES = 8;

    /**
     * What the kernel says of a device.
     *
     * @throws BpfException {@link Errno#ENODEV} if there is no such device
     */
    public static DeviceAbilities of(int ifindex) throws BpfException {
        long xdp = NetdevFamily.xdpFeatures(ifindex);
        int socket = SystemCalls.socket(AF_INET, SOCK_DGRAM, 0);
        BpfException.check(socket, "opening a socket");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ_BYTES, Long.BYTES);
            request.set(ValueLayout.JAVA_INT, IFREQ_VALUE_OFFSET, ifindex);
            BpfException.check(
                    SystemCalls.ioctl(socket, SIOCGIFNAME, request), "asking for the name of device " + ifindex);
            return new DeviceAbilities(
                    driver(socket, request, arena),
                    takesTagsOff(socket, request, arena),
                    (xdp & XDP_BASIC) != 0 && (xdp & XDP_REDIRECT) != 0,
                    (xdp & XDP_NDO_XMIT) != 0,
                    (xdp & XDP_NDO_XMIT_SG) != 0);
        } finally {
            SystemCalls.close(socket);
        }
    }

    private static String driver(int socket, MemorySegment request, Arena arena) {
        MemorySegment info = arena.allocate(DRIVER_INFO_BYTES, Long.BYTES);
        info.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GDRVINFO);
        request.set(ValueLayout.ADDRESS, IFREQ_VALUE_OFFSET, info);
        return SystemCalls.ioctl(socket, SIOCETHTOOL, request) < 0
                ? ""
                : info.asSlice(DRIVER_OFFSET, DRIVER_BYTES).getString(0, StandardCharsets.US_ASCII);
    }

    private static boolean takesTagsOff(int socket, MemorySegment request, Arena arena) {
        MemorySegment flags = arena.allocate(FLAGS_BYTES, Long.BYTES);
        flags.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GFLAGS);
        request.set(ValueLayout.ADDRESS, IFREQ_VALUE_OFFSET, flags);
        return SystemCalls.ioctl(socket, SIOCETHTOOL, request) >= 0
                && (flags.get(ValueLayout.JAVA_INT, Integer.BYTES) & FLAG_RXVLAN) != 0;
    }
}
