package io.turnstile.offload.provider.ebpf;

import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The least switch there can be in a {@link Lab}'s middle: a socket of AF_PACKET for each port, and a thread that sends
 * what comes in by one out by the other, its tuple translated as the rules say. Written without any of the code under
 * test. And what a provider is told by a switch.
 */
final class HandMadeSwitch implements ProviderContext, AutoCloseable {
    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_DETACH_BPF = 27;
    private static final int SO_RCVBUFFORCE = 33;
    private static final int SO_ATTACH_BPF = 50;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_VNET_HDR = 15;
    private static final int PACKET_IGNORE_OUTGOING = 23;
    private static final int VNET_BYTES = 10;
    private static final int NEEDS_CHECKSUM = 1;

    final List<PortRef> ports = new ArrayList<>();
    /** Frames that came up, by port. */
    final List<AtomicLong> received = List.of(new AtomicLong(), new AtomicLong());
    /** Of these, those that a rule was for. */
    final List<AtomicLong> forwarded = List.of(new AtomicLong(), new AtomicLong());

    final Map<Long, long[]> used = new ConcurrentHashMap<>();
    final Map<Long, String> lost = new ConcurrentHashMap<>();
    final LongAdder told = new LongAdder();
    /** How often the provider said that it has room again. */
    final LongAdder room = new LongAdder();

    private final Map<TupleView, TupleView> rules = new ConcurrentHashMap<>();
    private final int[] sockets = new int[2];
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean ended;
    volatile @Nullable String refusal;
    /** The provider's settings; carrying starts at once unless a test says otherwise. */
    volatile Map<String, String> settings = Map.of("settle-us", "0");

    /** {@link ProviderContext#portOptions} of each port. */
    volatile Map<String, String> portOptions = Map.of();

    HandMadeSwitch(Lab lab) {
        for (int i = 0; i < 2; i++) {
            String device = lab.devices.get(i);
            int ifindex = lab.ifindex(device);
            ports.add(new PortRef(i + 1, i + 1, device, "br0", i + 1, "system", ifindex, 0x020000000101L + i, 1500));
            sockets[i] = Lab.at(lab.middle, () -> open(ifindex));
        }
        for (int i = 0; i < 2; i++) {
            int from = i;
            Thread thread = new Thread(() -> forward(from), "switch " + i);
            thread.start();
            threads.add(thread);
        }
    }

    private static int open(int ifindex) {
        final int allProtocols = 0x0300; // ETH_P_ALL as on the wire
        int fd = Libc.socket(17, 3, 0);
        Libc.setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
        Libc.setOption(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
        Libc.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20);
        try (Arena arena = Arena.ofConfined()) {
            Libc.setOption(fd, SOL_SOCKET, SO_RCVTIMEO, arena.allocateFrom(ValueLayout.JAVA_LONG, 0, 50_000));
            MemorySegment address = arena.allocate(20, 8);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) 17);
            address.set(ValueLayout.JAVA_SHORT, 2, (short) allProtocols);
            address.set(ValueLayout.JAVA_INT, 4, ifindex);
            Libc.bind(fd, address);
        }
        return fd;
    }

    int socket(int port) {
        return sockets[port];
    }

    /** Packets of the one tuple leave with the other. */
    void rule(TupleView arriving, TupleView leaving) {
        rules.put(arriving, leaving);
    }

    private void forward(int from) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(1 << 17, 8);
            while (!ended) {
                int bytes = Libc.receive(sockets[from], room, 0);
                if (bytes <= VNET_BYTES || isToAGroup(room)) {
                    continue;
                }
                received.get(from).incrementAndGet();
                if (translate(room.asSlice(0, bytes).asByteBuffer())) {
                    forwarded.get(from).incrementAndGet();
                    Libc.send(sockets[1 - from], room.asSlice(0, bytes));
                }
            }
        }
    }

    /** What hosts say of themselves on a link (RFC 4861, RFC 3810) is no frame of the test's. */
    private static boolean isToAGroup(MemorySegment received) {
        return (received.get(ValueLayout.JAVA_BYTE, VNET_BYTES) & 1) != 0;
    }

    private boolean translate(ByteBuffer vnet) {
        boolean isPartial = (vnet.get(0) & NEEDS_CHECKSUM) != 0;
        ByteBuffer frame = vnet.slice(VNET_BYTES, vnet.limit() - VNET_BYTES).order(ByteOrder.BIG_ENDIAN);
        TupleView leaving = tuple(frame) == null ? null : rules.get(tuple(frame));
        if (leaving == null) {
            return false;
        }
        boolean ipv6 = leaving.ipv6();
        int transport = ipv6 ? 54 : 34;
        TupleView arriving = tuple(frame);
        if (!leaving.equals(arriving)) {
            if (ipv6) {
                frame.putLong(22, leaving.sourceHigh())
                        .putLong(30, leaving.sourceLow())
                        .putLong(38, leaving.destinationHigh())
                        .putLong(46, leaving.destinationLow());
            } else {
                frame.putInt(26, (int) leaving.sourceLow()).putInt(30, (int) leaving.destinationLow());
            }
            frame.putShort(transport, (short) leaving.sourcePort())
                    .putShort(transport + 2, (short) leaving.destinationPort());
            byte[] bytes = new byte[frame.limit()];
            frame.get(0, bytes);
            if (isPartial) {
                Frames.withPartialChecksum(bytes);
            } else {
                Frames.withChecksums(bytes);
            }
            frame.put(0, bytes);
        }
        return true;
    }

    static @Nullable TupleView tuple(ByteBuffer frame) {
        int type = frame.limit() < 42 ? 0 : Short.toUnsignedInt(frame.getShort(12));
        if (type == 0x0800) {
            return new TupleView(
                    false,
                    frame.get(23),
                    0,
                    frame.getInt(26) & 0xffffffffL,
                    0,
                    frame.getInt(30) & 0xffffffffL,
                    Short.toUnsignedInt(frame.getShort(34)),
                    Short.toUnsignedInt(frame.getShort(36)),
                    0,
                    0,
                    0);
        }
        return type != 0x86dd || frame.limit() < 62
                ? null
                : new TupleView(
                        true,
                        frame.get(20),
                        frame.getLong(22),
                        frame.getLong(30),
                        frame.getLong(38),
                        frame.getLong(46),
                        Short.toUnsignedInt(frame.getShort(54)),
                        Short.toUnsignedInt(frame.getShort(56)),
                        0,
                        0,
                        0);
    }

    // --- ProviderContext
    // -------------------------------------------------------------------------------------------------

    @Override
    public long wallMs() {
        return System.currentTimeMillis();
    }

    @Override
    public Map<String, String> settings() {
        return settings;
    }

    @Override
    public Map<String, String> portOptions(long portId) {
        return portOptions;
    }

    @Override
    public int threads() {
        return 1;
    }

    @Override
    public void pathUsed(long pathId, long epochMs, long packets, long bytes) {
        told.increment();
        used.merge(pathId, new long[] {epochMs, packets, bytes}, (before, now) ->
                new long[] {Math.max(before[0], now[0]), before[1] + now[1], before[2] + now[2]});
    }

    @Override
    public void pathLost(long pathId, String reason) {
        lost.put(pathId, reason);
    }

    @Override
    public void room() {
        room.increment();
    }

    @Override
    public @Nullable String filterReceived(long portId, int programFd) {
        if (refusal != null) {
            return refusal;
        }
        return Libc.setOption(sockets[(int) portId - 1], SOL_SOCKET, SO_ATTACH_BPF, programFd)
                ? null
                : "setsockopt failed";
    }

    @Override
    public void stopFiltering(long portId) {
        Libc.setOption(sockets[(int) portId - 1], SOL_SOCKET, SO_DETACH_BPF, 0);
    }

    @Override
    public void close() throws InterruptedException {
        ended = true;
        for (Thread thread : threads) {
            thread.join();
        }
        for (int socket : sockets) {
            Libc.close(socket);
        }
    }
}
