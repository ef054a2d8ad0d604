package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.SocketFilter;
import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.PathPut;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.OffloadResult.Carried;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.offload.spi.Verdict;
import java.io.DataInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real packets through the kernel: two hosts, and between them a {@link HandMadeSwitch} and the provider. */
@Tag("system")
@Timeout(240)
class CarryingInNamespacesTest {
    private static final int TCP = 6;
    static final int UDP = 17;
    static final int PATIENCE_MS = 5_000;
    private static final long CONNECTION = 7;

    Lab lab;
    HandMadeSwitch middle;
    EbpfProvider provider;
    private long nextPath = 1;

    /** Before the provider comes up. */
    void prepare() {}

    /** What each path's guard has besides what the test says. */
    List<HeaderBits> guardBesides() {
        return List.of();
    }

    @BeforeEach
    void begin() {
        lab = new Lab();
        middle = new HandMadeSwitch(lab);
        prepare();
        provider = new EbpfProvider();
        inMiddle(() -> {
            provider.init(middle);
            return null;
        });
    }

    @AfterEach
    void end() throws Exception {
        inMiddle(() -> {
            provider.close();
            return null;
        });
        middle.close();
        lab.close();
    }

    <T> T inMiddle(Callable<T> what) {
        return Lab.at(lab.middle, what);
    }

    static ConnView connection(TupleView original, TupleView reply) {
        return new ConnView(CONNECTION, 0, original.protocol(), original, reply, 0, 0, 0, PortRef.GONE, PortRef.GONE);
    }

    Path path(int from, TupleView arriving, TupleView leaving, List<HeaderBits> guard, List<HeaderBits> rewrites) {
        List<HeaderBits> whole = new ArrayList<>(guard);
        for (HeaderBits bits : guardBesides()) {
            if (guard.stream().noneMatch(given -> given.field() == bits.field())) {
                whole.add(bits);
            }
        }
        return new Path(
                nextPath++,
                CONNECTION,
                from == 0 ? Direction.ORIGINAL : Direction.REPLY,
                middle.ports.get(from),
                arriving,
                whole,
                middle.ports.get(1 - from),
                leaving,
                rewrites);
    }

    Path path(int from, TupleView arriving, TupleView leaving) {
        return path(from, arriving, leaving, List.of(), List.of());
    }

    Path put(Path path) {
        assertThat(inMiddle(() -> provider.pathPut(connection(path.arriving(), path.leaving()), path)))
                .isEqualTo(Verdict.accept());
        return path;
    }

    Carried delete(Path path) {
        return inMiddle(
                () -> provider.pathDel(connection(path.arriving(), path.leaving()), path, PathEnd.RULES_CHANGED));
    }

    static TupleView mirror(TupleView tuple) {
        return new TupleView(
                tuple.ipv6(),
                tuple.protocol(),
                tuple.destinationHigh(),
                tuple.destinationLow(),
                tuple.sourceHigh(),
                tuple.sourceLow(),
                tuple.destinationPort(),
                tuple.sourcePort(),
                0,
                0,
                0);
    }

    /** A datagram socket of a host, bound. */
    DatagramSocket udp(int host, String address, int port) {
        return Lab.at(lab.hosts.get(host), () -> {
            DatagramSocket socket = new DatagramSocket(new InetSocketAddress(InetAddress.getByName(address), port));
            socket.setSoTimeout(PATIENCE_MS);
            return socket;
        });
    }

    static byte[] receive(DatagramSocket socket) throws Exception {
        DatagramPacket packet = new DatagramPacket(new byte[9000], 9000);
        socket.receive(packet);
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    static void send(DatagramSocket socket, byte[] payload, String address, int port) throws Exception {
        socket.send(new DatagramPacket(payload, payload.length, InetAddress.getByName(address), port));
    }

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void datagramsAreCarriedBothWaysThroughNat(boolean ipv6, boolean transmitOffload) throws Exception {
        lab.transmitOffload(transmitOffload);
        TupleView original =
                ipv6 ? Frames.ipv6(UDP, 1, 1234, 0xc, 80) : Frames.ipv4(UDP, "10.0.0.1", 1234, "10.0.0.12", 80);
        TupleView leaves =
                ipv6 ? Frames.ipv6(UDP, 0xb, 5555, 2, 8080) : Frames.ipv4(UDP, "10.0.0.11", 5555, "10.0.0.2", 8080);
        Path there = put(path(0, original, leaves));
        Path back = put(path(1, mirror(leaves), mirror(original)));
        final int rounds = 50;
        try (DatagramSocket client = udp(0, original.source(), 1234);
                DatagramSocket server = udp(1, leaves.destination(), 8080)) {
            Random random = new Random(1);
            for (int i = 0; i < rounds; i++) {
                byte[] payload = new byte[i * 29 + 1];
                random.nextBytes(payload);
                send(client, payload, original.destination(), 80);
                assertThat(receive(server)).isEqualTo(payload);
                send(server, payload, leaves.source(), 5555);
                assertThat(receive(client)).isEqualTo(payload);
            }
        }
        long bytes = rounds * (14L + (ipv6 ? 40 : 20) + 8);
        for (int i = 0; i < rounds; i++) {
            bytes += i * 29 + 1;
        }
        assertThat(total(there, delete(there))).containsExactly(rounds, bytes);
        assertThat(total(back, delete(back))).containsExactly(rounds, bytes);
        assertThat(middle.forwarded.get(0).get() + middle.forwarded.get(1).get())
                .isZero();
    }

    /** What was told of the path in all: by the sweep and by the answer. */
    long[] total(Path path, Carried last) {
        long[] swept = middle.used.getOrDefault(path.id(), new long[3]);
        return new long[] {swept[1] + last.packets(), swept[2] + last.bytes()};
    }

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false", "true,true"})
    void aStreamIsCarriedBothWaysThroughNat(boolean ipv6, boolean transmitOffload) throws Exception {
        lab.transmitOffload(transmitOffload);
        lab.receiveOffload(true);
        TupleView leaves =
                ipv6 ? Frames.ipv6(TCP, 0xb, 5555, 2, 8080) : Frames.ipv4(TCP, "10.0.0.11", 5555, "10.0.0.2", 8080);
        TupleView original =
                ipv6 ? Frames.ipv6(TCP, 1, 1234, 0xc, 80) : Frames.ipv4(TCP, "10.0.0.1", 1234, "10.0.0.12", 80);
        middle.rule(original, leaves);
        middle.rule(mirror(leaves), mirror(original));
        final int bytes = 20 << 20;
        byte[] data = new byte[bytes];
        new Random(3).nextBytes(data);
        ServerSocket listening =
                Lab.at(lab.hosts.get(1), () -> new ServerSocket(8080, 1, InetAddress.getByName(leaves.destination())));
        Socket client = Lab.at(lab.hosts.get(0), () -> {
            Socket socket = new Socket();
            socket.bind(new InetSocketAddress(InetAddress.getByName(original.source()), 1234));
            socket.connect(new InetSocketAddress(InetAddress.getByName(original.destination()), 80), PATIENCE_MS);
            return socket;
        });
        Path there;
        Path back;
        long againBefore = sentAgain(lab.hosts.get(0));
        long backAgainBefore = sentAgain(lab.hosts.get(1));
        try (listening;
                client;
                Socket server = listening.accept()) {
            there = put(path(0, original, leaves));
            back = put(path(1, mirror(leaves), mirror(original)));
            long upBefore = middle.received.get(0).get();
            CompletableFuture<Void> echo = beside(() -> copy(server));
            CompletableFuture<Void> sent = beside(() -> write(client, data));
            byte[] back1 = new DataInputStream(client.getInputStream()).readNBytes(bytes);
            sent.join();
            assertThat(Arrays.equals(back1, data)).isTrue();
            assertThat(middle.received.get(0).get() - upBefore)
                    .as("frames that came up while it was carried")
                    .isLessThan(5);
            client.shutdownOutput();
            echo.join();
        }
        long[] thereTotal = total(there, delete(there));
        long[] backTotal = total(back, delete(back));
        int headers = 14 + (ipv6 ? 40 : 20) + 32;
        assertThat(thereTotal[1]).isGreaterThanOrEqualTo(bytes);
        // Each packet of a full segment, however they were joined; acknowledgements besides.
        assertThat(thereTotal[0]).isGreaterThanOrEqualTo(bytes / (1514 - headers));
        // Options of acknowledgements make it a little more, and segments sent again: a host without a core is slow to
        // acknowledge.
        long again = sentAgain(lab.hosts.get(0)) - againBefore;
        long backAgain = sentAgain(lab.hosts.get(1)) - backAgainBefore;
        assertThat(thereTotal[1] - thereTotal[0] * headers)
                .isBetween((long) bytes, bytes + bytes / 100L + again * (1514 - headers));
        assertThat(backTotal[1] - backTotal[0] * headers)
                .isBetween((long) bytes, bytes + bytes / 100L + backAgain * (1514 - headers));
    }

    /** TCP segments that a host has sent again so far (tcpRetransSegs of RFC 4022). */
    private static long sentAgain(String host) {
        List<String[]> names = Lab.at(host, () -> {
            try (var lines = Files.lines(java.nio.file.Path.of("/proc/thread-self/net/snmp"))) {
                return lines.filter(line -> line.startsWith("Tcp:"))
                        .map(line -> line.split(" "))
                        .toList();
            }
        });
        int column = Arrays.asList(names.getFirst()).indexOf("RetransSegs");
        return Long.parseLong(names.getLast()[column]);
    }

    /** On a thread of its own: the common pool has one thread where there is one core. */
    static CompletableFuture<Void> beside(Runnable what) {
        return CompletableFuture.runAsync(what, command -> new Thread(command).start());
    }

    private static void copy(Socket socket) {
        try {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            in.transferTo(out);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void write(Socket socket, byte[] data) {
        try {
            socket.getOutputStream().write(data);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** A socket of a host that sends and sees frames as they are. */
    int wire(int host) {
        return Lab.at(lab.hosts.get(host), () -> {
            int ifindex = Libc.interfaceIndex("eth0");
            int fd = Libc.socket(17, 3, 0);
            Libc.setOption(fd, 263, 23, 1);
            try (Arena arena = Arena.ofConfined()) {
                Libc.setOption(fd, 1, 20, arena.allocateFrom(ValueLayout.JAVA_LONG, PATIENCE_MS / 1000, 0));
                MemorySegment address = arena.allocate(20, 8);
                address.set(ValueLayout.JAVA_SHORT, 0, (short) 17);
                address.set(ValueLayout.JAVA_SHORT, 2, (short) 0x0300);
                address.set(ValueLayout.JAVA_INT, 4, ifindex);
                Libc.bind(fd, address);
            }
            return fd;
        });
    }

    static void sendFrame(int fd, byte[] frame) {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(Libc.send(fd, arena.allocateFrom(ValueLayout.JAVA_BYTE, frame)))
                    .isEqualTo(frame.length);
        }
    }

    static byte[] tagged(byte[] frame, int tci) {
        return ByteBuffer.allocate(frame.length + 4)
                .put(frame, 0, 12)
                .putShort((short) 0x8100)
                .putShort((short) tci)
                .put(frame, 12, frame.length - 12)
                .array();
    }

    /**
     * The same, but it sees only frames with that tag, said as {@link HeaderField#VLAN_TCI}: sockets are not told of
     * tags.
     */
    private int wireSeeing(int host, int tag) throws BpfException {
        Program program = new Assembler()
                .mov(Register.R0, 0)
                .mov(Register.R3, 0)
                .load(Size.U32, Register.R2, Register.R1, SkBuff.VLAN_PRESENT.offset())
                .jump(Condition.EQ, Register.R2, 0, "known")
                .load(Size.U32, Register.R3, Register.R1, SkBuff.VLAN_TCI.offset())
                .alu(AluOp.OR, Register.R3, 0x1000)
                .label("known")
                .jump(Condition.NE, Register.R3, tag, "hide")
                .mov(Register.R0, -1)
                .label("hide")
                .exit()
                .assemble();
        int fd = wire(host);
        try (LoadedProgram loaded = LoadedProgram.load(ProgramType.SOCKET_FILTER, "tag", "Apache-2.0", program)) {
            SocketFilter.attach(fd, loaded);
        }
        return fd;
    }

    @Test
    void tagsArePushedPoppedAndChanged() throws Exception {
        assertTag(0, HeaderBits.exactly(HeaderField.VLAN_TCI, 0x3064), 0x3064);
        assertTag(0x1064, HeaderBits.exactly(HeaderField.VLAN_TCI, 0), 0);
        assertTag(0xb064, new HeaderBits(HeaderField.VLAN_TCI, 0x10c8, 0x1fff), 0xb0c8);
        assertTag(0x1064, new HeaderBits(HeaderField.VLAN_TCI, 0xa000, 0xe000), 0xb064);
        assertTag(0x5064, HeaderBits.exactly(HeaderField.VLAN_TCI, 0x5064), 0x5064);
    }

    /** A frame that comes with the one tag leaves with the other, both said as {@link HeaderField#VLAN_TCI}. */
    private void assertTag(int arriving, HeaderBits written, int leaving) throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        Path path = put(
                path(0, tuple, tuple, List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, arriving)), List.of(written)));
        byte[] frame = Frames.frame(tuple, Frames.Shape.of("hello"));
        int from = wire(0);
        int to = wireSeeing(1, leaving);
        sendFrame(from, arriving == 0 ? frame : tagged(frame, arriving & ~0x1000));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(2000);
            int bytes = Libc.receive(to, room, 0);
            assertThat(room.asSlice(0, Math.max(0, bytes)).toArray(ValueLayout.JAVA_BYTE))
                    .as("%x, written %s", arriving, written)
                    .isEqualTo(frame);
        }
        Libc.close(from);
        Libc.close(to);
        assertThat(total(path, delete(path))).containsExactly(1, frame.length + (arriving == 0 ? 0 : 4));
    }

    @Test
    void aTagThatTheGuardDoesNotWantGoesUp() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        Path path =
                put(path(0, tuple, tuple, List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0x1000 | 5)), List.of()));
        int wire = wire(0);
        byte[] frame = Frames.frame(tuple, Frames.Shape.of("x").macs(0x020000000002L, 0x020000000001L));
        sendFrame(wire, frame);
        sendFrame(wire, tagged(frame, 6));
        sendFrame(wire, tagged(frame, 0x2005));
        sendFrame(wire, tagged(tagged(frame, 7), 5)); // two tags
        awaitUp(4);
        sendFrame(wire, tagged(frame, 5));
        byte[] serviceTag = tagged(frame, 5);
        serviceTag[12] = (byte) 0x88;
        serviceTag[13] = (byte) 0xa8;
        sendFrame(wire, serviceTag);
        awaitUp(5);
        Libc.close(wire);
        assertThat(total(path, delete(path))).containsExactly(1, frame.length + 4);
    }

    void awaitUp(long frames) throws InterruptedException {
        long endNs = System.nanoTime() + PATIENCE_MS * 1_000_000L;
        while (middle.received.get(0).get() < frames && System.nanoTime() < endNs) {
            Thread.onSpinWait();
        }
        assertThat(middle.received.get(0).get()).isEqualTo(frames);
    }

    /** Frames from the wire that software has to see: each of them comes up, and none is carried. */
    @Test
    void whatSoftwareHasToSeeComesUp() throws Exception {
        TupleView tcp = Frames.ipv4(TCP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        TupleView udp = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        Lab.in(lab.middle, "ip link set p1 mtu 9000");
        Lab.in(lab.hosts.get(0), "ip link set eth0 mtu 9000");
        Path tcpPath = put(path(0, tcp, tcp, List.of(HeaderBits.exactly(HeaderField.NW_TTL, 64)), List.of()));
        Path udpPath = put(path(0, udp, udp, List.of(HeaderBits.exactly(HeaderField.NW_TOS, 0)), List.of()));
        Frames.Shape shape = Frames.Shape.of("hello");
        int wire = wire(0);
        List<byte[]> frames = new ArrayList<>();
        for (int flag : new int[] {Frames.SYN, Frames.FIN, Frames.RST}) {
            frames.add(Frames.frame(tcp, shape.flags(flag | Frames.ACK)));
        }
        frames.add(Frames.frame(tcp, shape.ttl(63)));
        frames.add(Frames.frame(udp, shape.ttl(1)));
        frames.add(Frames.frame(udp, shape.tos(4)));
        frames.add(Frames.frame(udp, shape.payload(new byte[1473])));
        byte[] fragment = Frames.frame(udp, shape);
        fragment[20] |= 0x20;
        frames.add(fragment);
        byte[] options = Frames.frame(udp, shape.payload(new byte[100]));
        options[14] = 0x46;
        frames.add(options);
        frames.add(Frames.frame(mirror(udp), shape));
        for (int i = 0; i < frames.size(); i++) {
            sendFrame(wire, frames.get(i));
            awaitUp(i + 1);
        }
        sendFrame(wire, Frames.frame(tcp, shape));
        sendFrame(wire, Frames.frame(udp, shape.payload(new byte[1472])));
        sendFrame(wire, Frames.frame(udp, shape.ttl(1)));
        awaitUp(frames.size() + 1);
        Libc.close(wire);
        assertThat(total(tcpPath, delete(tcpPath))[0]).isOne();
        assertThat(total(udpPath, delete(udpPath))).containsExactly(1, 1514);
    }

    @Test
    void serviceClassAndTtlAreWritten() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        put(path(
                0,
                tuple,
                tuple,
                List.of(HeaderBits.exactly(HeaderField.NW_TTL, 64)),
                List.of(
                        HeaderBits.exactly(HeaderField.NW_TTL, 63),
                        new HeaderBits(HeaderField.NW_TOS, 0xb8, 0xfc),
                        HeaderBits.exactly(HeaderField.ETH_SRC, 0x02aabbccddeeL))));
        int from = wire(0);
        int to = wire(1);
        Frames.Shape shape = Frames.Shape.of("hello").tos(2);
        sendFrame(from, Frames.frame(tuple, shape));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(2000);
            int bytes = Libc.receive(to, room, 0);
            assertThat(room.asSlice(0, Math.max(0, bytes)).toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(Frames.frame(tuple, shape.tos(0xba).ttl(63).macs(0x020000000002L, 0x02aabbccddeeL)));
        }
        Libc.close(from);
        Libc.close(to);
    }

    /** What came of numbered datagrams while something was turned again and again. */
    record Delivery(int sent, int arrived, int doubled, int overtaken, int turns) {}

    /**
     * Sends numbered datagrams from the first host to the second: so many, and more until {@code turn} was made more
     * often than that, however fast the machine is.
     *
     * @param window datagrams under way at most
     * @param turn in the middle, again and again
     */
    final Delivery deliverWhile(int leastDatagrams, int moreTurnsThan, int window, Callable<?> turn) throws Exception {
        AtomicInteger total = new AtomicInteger(Integer.MAX_VALUE);
        AtomicInteger arrived = new AtomicInteger();
        AtomicInteger doubled = new AtomicInteger();
        AtomicInteger overtaken = new AtomicInteger();
        AtomicInteger turns = new AtomicInteger();
        BitSet seen = new BitSet(leastDatagrams);
        int sent = 0;
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000)) {
            CompletableFuture<Void> receiving = beside(() -> {
                try {
                    DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                    while (arrived.get() < total.get()) {
                        server.receive(packet);
                        int number = ByteBuffer.wrap(packet.getData()).getInt();
                        if (seen.get(number)) {
                            doubled.incrementAndGet();
                        } else {
                            overtaken.addAndGet(seen.length() > number ? 1 : 0);
                            seen.set(number);
                            arrived.incrementAndGet();
                        }
                    }
                } catch (SocketTimeoutException e) {
                    // whoever asked finds that some have not arrived
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            CompletableFuture<Void> turning = beside(() -> inMiddle(() -> {
                while (!receiving.isDone()) {
                    turn.call();
                    turns.incrementAndGet();
                }
                return null;
            }));
            byte[] payload = new byte[18];
            DatagramPacket packet =
                    new DatagramPacket(payload, payload.length, InetAddress.getByName("10.0.0.2"), 2000);
            while (sent < total.get() && !receiving.isDone() && !turning.isDone()) {
                while (sent - arrived.get() > window && !receiving.isDone()) {
                    Thread.yield();
                }
                if (sent + 1 >= leastDatagrams && turns.get() > moreTurnsThan) {
                    total.set(sent + 1); // before the last one can arrive
                }
                ByteBuffer.wrap(payload).putInt(sent++);
                client.send(packet);
            }
            receiving.join();
            turning.join();
        }
        return new Delivery(sent, arrived.get(), doubled.get(), overtaken.get(), turns.get());
    }

    /** What the design promises: while a path comes and goes, each datagram arrives once, carried or forwarded. */
    @ParameterizedTest
    @CsvSource({"0,0,1000", "500,15,100"})
    void whilePathsComeAndGoEachDatagramArrivesOnce(int settleUs, int stayMs, int leastTurns) throws Exception {
        inMiddle(() -> {
            provider.close();
            middle.settings = Map.of("settle-us", Integer.toString(settleUs));
            provider.init(middle);
            return null;
        });
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        middle.rule(tuple, tuple);
        ConnView connection = connection(tuple, mirror(tuple));
        long[] carried = new long[1];
        Delivery delivery = deliverWhile(200_000, leastTurns, 150, () -> {
            Path path = path(0, tuple, tuple);
            assertThat(provider.pathPut(connection, path)).isEqualTo(Verdict.accept());
            Thread.sleep(stayMs);
            carried[0] += total(path, provider.pathDel(connection, path, PathEnd.RULES_CHANGED))[0];
            Thread.yield();
            return null;
        });
        long forwarded = middle.forwarded.get(0).get();
        System.out.printf(
                "settle-us %d: %d datagrams: %d carried, %d forwarded, while the path came and went %d times; %d overtaken%n",
                settleUs, delivery.sent(), carried[0], forwarded, delivery.turns(), delivery.overtaken());
        assertThat(delivery.arrived()).isEqualTo(delivery.sent());
        assertThat(delivery.doubled()).isZero();
        assertThat(carried[0] + forwarded).isEqualTo(delivery.sent());
        assertThat(carried[0]).isPositive();
        assertThat(forwarded).isPositive();
        assertThat(delivery.turns()).isGreaterThan(leastTurns);
    }

    @Test
    void onceADeleteIsAnsweredNothingIsCarried() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        middle.rule(tuple, tuple);
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000)) {
            for (int round = 0; round < 50; round++) {
                Path path = put(path(0, tuple, tuple));
                send(client, new byte[5], "10.0.0.2", 2000);
                receive(server);
                assertThat(total(path, delete(path))[0]).isOne();
                long before = middle.forwarded.get(0).get();
                assertThat(before).isEqualTo(round);
                send(client, new byte[6], "10.0.0.2", 2000);
                assertThat(receive(server)).hasSize(6);
                assertThat(middle.forwarded.get(0).get()).isEqualTo(before + 1);
            }
        }
    }

    @Test
    void theSweepTellsWhatWasCarriedAndWhenItWas() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        ConnView connection = connection(tuple, mirror(tuple));
        assertThat(provider.connAdd(connection)).isEqualTo(Verdict.accept());
        assertThat(provider.connUpdate(connection)).isZero();
        Path path = put(path(0, tuple, tuple));
        assertThat(provider.connUpdate(connection)).isZero();
        final int coarseMs = 20;
        long beforeMs = System.currentTimeMillis();
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000)) {
            send(client, new byte[5], "10.0.0.2", 2000);
            receive(server);
        }
        long afterMs = System.currentTimeMillis();
        assertThat(provider.connUpdate(connection)).isBetween(beforeMs - coarseMs, afterMs + coarseMs);
        long endNs = System.nanoTime() + PATIENCE_MS * 1_000_000L;
        while (!middle.used.containsKey(path.id()) && System.nanoTime() < endNs) {
            Thread.onSpinWait();
        }
        assertThat(middle.used.get(path.id())[0]).isBetween(beforeMs - coarseMs, afterMs + coarseMs);
        assertThat(middle.used.get(path.id())[1]).isOne();
        assertThat(middle.used.get(path.id())[2]).isEqualTo(14 + 20 + 8 + 5);
        assertThat(provider.pathStats(connection, path).packets()).isZero();
        assertThat(delete(path).packets()).isZero();
        assertThat(provider.connUpdate(connection))
                .as("after the path has gone")
                .isPositive();
        provider.connDel(connection, DelReason.EXPIRED);
        assertThat(provider.connUpdate(connection)).isZero();
    }

    @Test
    void pathsOfAPortThatGoesOrChangesAreLost() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        middle.rule(tuple, tuple);
        Path narrow = put(path(0, tuple, tuple));
        PortRef egress = middle.ports.get(1);
        PortRef smaller = new PortRef(egress.id(), 2, "p2", "br0", 2, "system", egress.ifindex(), egress.mac(), 1400);
        inMiddle(() -> {
            provider.portChanged(egress);
            return null;
        });
        assertThat(middle.lost).isEmpty();
        inMiddle(() -> {
            provider.portChanged(smaller);
            return null;
        });
        assertThat(middle.lost).containsExactly(Map.entry(narrow.id(), "a port has another device or MTU"));
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000)) {
            send(client, new byte[5], "10.0.0.2", 2000);
            receive(server);
            assertThat(middle.forwarded.get(0).get()).isOne();
            // The same again while the lost one has not been taken back.
            Path again = put(path(0, tuple, tuple));
            assertThat(delete(narrow).packets()).isZero();
            send(client, new byte[5], "10.0.0.2", 2000);
            receive(server);
            assertThat(middle.forwarded.get(0).get()).isOne();

            inMiddle(() -> {
                provider.portRemoved(middle.ports.get(0));
                return null;
            });
            assertThat(middle.lost).containsEntry(again.id(), "port gone");
            send(client, new byte[5], "10.0.0.2", 2000);
            receive(server);
            assertThat(middle.forwarded.get(0).get()).isEqualTo(2);
            assertThat(total(again, delete(again))[0]).isOne();
        }
    }

    private static TupleView flow(int sourcePort) {
        return Frames.ipv4(UDP, "10.0.0.1", sourcePort, "10.0.0.2", 80);
    }

    private static List<OffloadOperation> puts(List<Path> paths) {
        return paths.stream()
                .<OffloadOperation>map(
                        path -> new OffloadOperation.PathPut(connection(path.arriving(), path.leaving()), path))
                .toList();
    }

    @Test
    void eachPathOfAListHasItsOwnAnswerAndAFullTableSaysSo() throws Exception {
        inMiddle(() -> {
            provider.close();
            return null;
        });
        middle.settings = Map.of("settle-us", "0", "max-paths", "3");
        provider = new EbpfProvider();
        inMiddle(() -> {
            provider.init(middle);
            return null;
        });
        TupleView icmp = new TupleView(false, 1, 0, 0x0a000001, 0, 0x0a000002, 0, 0, 5, 8, 0);
        Path first = path(0, flow(1), flow(1));
        Path last = path(0, flow(4), flow(4));
        List<Path> paths = List.of(
                first,
                path(0, icmp, icmp),
                path(0, flow(1), flow(1)),
                path(0, flow(2), flow(2)),
                path(0, flow(3), flow(3)),
                last);
        String full = "table is full: offload-ebpf-max-paths is 3";
        assertThat(inMiddle(() -> provider.operate(puts(paths))))
                .containsExactly(
                        Verdict.accept(),
                        Verdict.decline("neither TCP nor UDP"),
                        Verdict.later("another connection has the same packets"),
                        Verdict.accept(),
                        Verdict.accept(),
                        Verdict.later(full));
        assertThat(provider.describe().getFirst()).startsWith("paths: 3 of 3,");
        assertThat(middle.room.sum()).isZero();

        delete(first);
        assertThat(middle.room.sum()).as("it says that there is room again").isOne();
        put(last);
        delete(last);
        assertThat(middle.room.sum()).as("nobody has been refused meanwhile").isOne();
    }

    @Test
    void whatTheKernelHasNoRoomForIsRefusedAndTheOthersAreCarried() throws Exception {
        inMiddle(() -> {
            KernelTables tables = KernelTables.create(8, Settling.ofMicroseconds(0));
            for (int i = 0; i < 4; i++) { // the carrier does not know of these
                tables.stagePut(i, new PathKey(1, flow(i)), path(0, flow(i), flow(i)), 4 + i, 0);
            }
            assertThat(tables.putStaged(0, 4).isComplete()).isTrue();
            try (Carrier carrier = new Carrier(middle, 8, tables)) {
                List<PathPut> puts = new ArrayList<>();
                for (int i = 1; i <= 6; i++) {
                    Path path = path(0, flow(i), flow(i));
                    puts.add(new PathPut(connection(path.arriving(), path.leaving()), path));
                }
                List<OffloadResult> answers = carrier.put(puts);
                assertThat(answers.subList(0, 4)).containsOnly(Verdict.accept());
                assertThat(answers.subList(4, 6))
                        .containsOnly(Verdict.later("table is full: offload-ebpf-max-paths is 8"));
                assertThat(carrier.paths()).isEqualTo(4);
                assertThat(carrier.statistics(puts.getFirst().path())).isEqualTo(new Carried(0, 0, 0));
                assertThat(carrier.statistics(puts.getLast().path())).isEqualTo(Carried.UNKNOWN);
            }
            return null;
        });
    }

    @Test
    void whatCannotBeCarriedIsRefusedWithAReason() {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        ConnView connection = connection(tuple, mirror(tuple));
        middle.refusal = "another provider filters it";
        Path path = path(0, tuple, tuple);
        assertThat(inMiddle(() -> provider.pathPut(connection, path)))
                .isEqualTo(Verdict.decline("port cannot be filtered: another provider filters it"));
        middle.refusal = null;
        PortRef gone = new PortRef(9, 9, "p9", "br0", 9, "system", 999, 0, 1500);
        assertThat(inMiddle(() -> provider.pathPut(
                        connection,
                        new Path(50, 7, Direction.ORIGINAL, gone, tuple, List.of(), gone, tuple, List.of()))))
                .isEqualTo(Verdict.decline(
                        "attaching failed: attaching program ts_carry to tcx ingress of device 999: ENODEV"
                                + " (no such device)"));
        put(path(1, tuple, tuple));
        assertThat(inMiddle(() -> provider.pathPut(connection, path(1, tuple, tuple))))
                .isEqualTo(Verdict.later("another connection has the same packets"));
    }

    /** A socket of somebody else that sees what comes in by the first port; gives up after a while. */
    int foreignSocket() {
        return Lab.at(lab.middle, () -> {
            int fd = Libc.socket(17, 3, 0);
            try (Arena arena = Arena.ofConfined()) {
                Libc.setOption(fd, 1, 20, arena.allocateFrom(ValueLayout.JAVA_LONG, 5, 0));
                MemorySegment address = arena.allocate(20, 8);
                address.set(ValueLayout.JAVA_SHORT, 0, (short) 17);
                address.set(ValueLayout.JAVA_SHORT, 2, (short) 0x0300);
                address.set(ValueLayout.JAVA_INT, 4, middle.ports.get(0).ifindex());
                Libc.bind(fd, address);
            }
            return fd;
        });
    }

    @Test
    void anotherSocketOnTheDeviceSeesEverythingAndDisturbsNothing() throws Exception {
        TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000, "10.0.0.2", 2000);
        middle.rule(tuple, tuple);
        Path path = put(path(0, tuple, tuple));
        int foreign = foreignSocket();
        try (DatagramSocket client = udp(0, "10.0.0.1", 1000);
                DatagramSocket server = udp(1, "10.0.0.2", 2000);
                Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(2000);
            for (int i = 0; i < 100; i++) {
                send(client, new byte[5], "10.0.0.2", 2000);
                receive(server);
                assertThat(Libc.receive(foreign, room, 0)).isEqualTo(14 + 20 + 8 + 5);
            }
        }
        Libc.close(foreign);
        assertThat(total(path, delete(path))[0]).isEqualTo(100);
        assertThat(middle.forwarded.get(0).get()).isZero();
    }
}
