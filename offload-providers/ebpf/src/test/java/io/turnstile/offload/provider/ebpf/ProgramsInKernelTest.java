package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.BatchResult;
import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.Errno;
import io.turnstile.bpf.TestRun;
import io.turnstile.bpf.asm.SkBuff;
import io.turnstile.bpf.asm.TcxAction;
import io.turnstile.bpf.asm.XdpAction;
import io.turnstile.offload.provider.ebpf.Frames.Shape;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The programs in this machine's kernel, one after the other over one frame that comes from nowhere, as it were by the
 * loopback device. What becomes of a frame is compared with {@link Frames}, which makes it anew; and what the XDP
 * program makes of it with what the other two do.
 */
@Tag("system")
class ProgramsInKernelTest {
    private static final int LOOPBACK = 1;
    private static final int MTU = 1500;
    private static final PortRef IN = port(1, LOOPBACK, MTU);
    private static final PortRef OUT = port(2, 77, MTU);
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final TupleView TCP4 = Frames.ipv4(TCP, "10.0.0.1", 1234, "10.0.0.2", 80);
    private static final TupleView UDP4 = Frames.ipv4(UDP, "10.0.0.1", 1234, "10.0.0.2", 53);
    private static final TupleView TCP6 = Frames.ipv6(TCP, 1, 1234, 2, 80);
    private static final TupleView UDP6 = Frames.ipv6(UDP, 1, 1234, 2, 53);
    private static final Shape HELLO = Shape.of("hello");

    private KernelTables tables;

    @BeforeEach
    void load() throws BpfException {
        tables = KernelTables.create(16, Settling.ofMicroseconds(0));
    }

    @AfterEach
    void close() {
        tables.close();
    }

    static PortRef port(int number, int ifindex, int mtu) {
        return new PortRef(
                number, number, "p" + number, "br0", number, "system", ifindex, 0x020000000000L + number, mtu);
    }

    private static Path path(TupleView arriving, List<HeaderBits> guard, TupleView leaving, List<HeaderBits> rewrites) {
        return new Path(1, 1, Direction.ORIGINAL, IN, arriving, guard, OUT, leaving, rewrites);
    }

    private static Path plain(TupleView tuple) {
        return path(tuple, List.of(), tuple, List.of());
    }

    private void put(Path path) {
        assertThat(PathValue.obstacle(path)).isNull();
        tables.stagePut(0, new PathKey(LOOPBACK, path.arriving()), path, 3, Flag.XDP | Flag.XDP_FRAGMENTS);
        assertThat(tables.putStaged(0, 1).isComplete()).isTrue();
    }

    /** What the two programs did. */
    private record Outcome(boolean hidden, int action, byte[] frame, byte[] context) {
        boolean isCarried() {
            return hidden && action == TcxAction.REDIRECT.code();
        }

        boolean isLeftAlone() {
            return !hidden && action == TcxAction.NEXT.code();
        }

        int field(SkBuff field) {
            return ByteBuffer.wrap(context).order(ByteOrder.nativeOrder()).getInt(field.offset());
        }
    }

    private Outcome run(byte[] frame) throws Exception {
        return run(frame, context -> context);
    }

    private Outcome run(byte[] frame, UnaryOperator<ByteBuffer> context) throws Exception {
        byte[] described = context.apply(ByteBuffer.allocate(SkBuff.SIZE_BYTES).order(ByteOrder.nativeOrder()))
                .array();
        return PinnedThread.call(() -> {
            // Of a socket filter the kernel takes the Ethernet header for itself, which a socket of AF_PACKET has not
            // done.
            byte[] framed = ByteBuffer.allocate(14 + frame.length)
                    .put(frame, 0, Math.min(14, frame.length))
                    .put(14, frame)
                    .array();
            boolean hidden = tables.deciding().testRun(framed, described, 1).result() == 0;
            TestRun carried = tables.carrying().testRun(frame, described, 1);
            tables.awaitUnused(() -> {
                throw new AssertionError("a slot is busy");
            });
            return new Outcome(hidden, carried.result(), carried.frame(), carried.context());
        });
    }

    private TestRun atXdp(byte[] frame) throws BpfException {
        return tables.xdp().testRun(frame);
    }

    /** What the two programs do with the frame, which is what the XDP program does. */
    private Outcome everywhere(byte[] frame) throws Exception {
        Outcome outcome = run(frame);
        TestRun xdp = atXdp(frame);
        assertThat(xdp.result()).isEqualTo((outcome.isCarried() ? XdpAction.REDIRECT : XdpAction.PASS).code());
        assertThat(xdp.frame()).isEqualTo(outcome.frame());
        return outcome;
    }

    @Test
    void aFrameWithAPathIsHiddenAndCarriedAsItIs() throws Exception {
        for (TupleView tuple : List.of(TCP4, UDP4, TCP6, UDP6)) {
            put(plain(tuple));
            byte[] frame = Frames.frame(tuple, HELLO);

            Outcome outcome = everywhere(frame);

            assertThat(outcome.isCarried()).as("%s", outcome).isTrue();
            assertThat(outcome.frame()).isEqualTo(frame);
        }
    }

    @Test
    void whatIsCarriedIsCounted() throws Exception {
        put(plain(UDP4));
        byte[] frame = Frames.frame(UDP4, HELLO);
        long beganNs = System.nanoTime();

        run(frame);
        run(frame);

        assertThat(tables.packets(3)).isEqualTo(2);
        assertThat(tables.bytes(3)).isEqualTo(2L * frame.length);
        final long coarseNs = 20_000_000;
        assertThat(tables.lastUseNs(3)).isBetween(beganNs - coarseNs, System.nanoTime());
        assertThat(tables.packets(2)).isZero();
    }

    @Test
    void addressesPortsAndTheRestAreRewrittenWithRightChecksums() throws Exception {
        List<TupleView[]> translations = List.of(
                new TupleView[] {TCP4, Frames.ipv4(TCP, "192.168.200.77", 50000, "172.16.0.1", 8080)},
                new TupleView[] {UDP4, Frames.ipv4(UDP, "10.0.0.1", 1234, "172.16.0.1", 53)},
                new TupleView[] {UDP4, Frames.ipv4(UDP, "10.0.0.1", 4321, "10.0.0.2", 5353)},
                new TupleView[] {TCP6, Frames.ipv6(TCP, 0x1234567890abcdefL, 50000, 0xffffL, 8080)},
                new TupleView[] {UDP6, Frames.ipv6(UDP, 77, 1234, 2, 53)},
                new TupleView[] {UDP6, Frames.ipv6(UDP, 1, 7, 2, 9)});
        Shape after = HELLO.macs(0x0a0b0c0d0e0fL, 0x1a1b1c1d1e1fL).tos(0xb8).ttl(63);
        for (TupleView[] translation : translations) {
            put(path(
                    translation[0],
                    List.of(HeaderBits.exactly(HeaderField.NW_TTL, 64)),
                    translation[1],
                    List.of(
                            HeaderBits.exactly(HeaderField.ETH_DST, after.ethDst()),
                            HeaderBits.exactly(HeaderField.ETH_SRC, after.ethSrc()),
                            HeaderBits.exactly(HeaderField.NW_TTL, 63),
                            HeaderBits.exactly(HeaderField.NW_TOS, 0xb8))));

            Outcome outcome = everywhere(Frames.frame(translation[0], HELLO));

            assertThat(outcome.isCarried()).isTrue();
            assertThat(outcome.frame())
                    .as("%s -> %s", translation[0], translation[1])
                    .isEqualTo(Frames.frame(translation[1], after));
        }
    }

    /** Many paths of every kind against the naive way: the frame made anew from what it shall be. */
    @Test
    void randomPathsDoWhatTheySay() throws Exception {
        Random random = new Random(26);
        for (int round = 0; round < 300; round++) {
            boolean ipv6 = random.nextBoolean();
            int protocol = random.nextBoolean() ? TCP : UDP;
            TupleView arriving = randomTuple(random, ipv6, protocol);
            TupleView leaving = random.nextInt(4) == 0 ? arriving : randomTuple(random, ipv6, protocol);
            Shape before = randomShape(random, ipv6);
            Shape after = randomShape(random, ipv6).payload(before.payload()).flags(ack(before));
            List<HeaderBits> rewrites = new ArrayList<>();
            Shape expected = before.flags(ack(before));
            if (random.nextBoolean()) {
                rewrites.add(HeaderBits.exactly(HeaderField.ETH_DST, after.ethDst()));
                expected = expected.macs(after.ethDst(), expected.ethSrc());
            }
            if (random.nextBoolean()) {
                rewrites.add(HeaderBits.exactly(HeaderField.ETH_SRC, after.ethSrc()));
                expected = expected.macs(expected.ethDst(), after.ethSrc());
            }
            if (random.nextBoolean()) {
                int mask = 1 + random.nextInt(255);
                rewrites.add(new HeaderBits(HeaderField.NW_TOS, after.tos() & mask, mask));
                expected = expected.tos(before.tos() & ~mask | after.tos() & mask);
            }
            if (random.nextBoolean()) {
                rewrites.add(HeaderBits.exactly(HeaderField.NW_TTL, after.ttl()));
                expected = expected.ttl(after.ttl());
            }
            if (ipv6 && random.nextBoolean()) {
                rewrites.add(HeaderBits.exactly(HeaderField.IPV6_LABEL, after.label()));
                expected = expected.label(after.label());
            }
            put(path(arriving, List.of(), leaving, rewrites));

            Outcome outcome = everywhere(Frames.frame(arriving, before.flags(ack(before))));

            assertThat(outcome.isCarried()).as("round %d", round).isTrue();
            assertThat(outcome.frame())
                    .as("round %d: %s -> %s %s", round, arriving, leaving, rewrites)
                    .isEqualTo(Frames.frame(leaving, expected.tcpOptions(before.tcpOptionBytes())));
            tables.stageKey(0, new PathKey(LOOPBACK, arriving));
            tables.deleteStaged(1);
        }
    }

    private static int ack(Shape shape) {
        return shape.tcpFlags() & ~7;
    }

    private static TupleView randomTuple(Random random, boolean ipv6, int protocol) {
        return new TupleView(
                ipv6,
                protocol,
                ipv6 ? random.nextLong() : 0,
                ipv6 ? random.nextLong() : random.nextLong() & 0xffffffffL,
                ipv6 ? random.nextLong() : 0,
                ipv6 ? random.nextLong() : random.nextLong() & 0xffffffffL,
                random.nextInt(0x10000),
                random.nextInt(0x10000),
                0,
                0,
                0);
    }

    private static Shape randomShape(Random random, boolean ipv6) {
        byte[] payload = new byte[random.nextInt(100)];
        random.nextBytes(payload);
        return new Shape(
                random.nextLong() & 0xffffffffffffL,
                random.nextLong() & 0xffffffffffffL,
                random.nextInt(256),
                2 + random.nextInt(254),
                ipv6 ? random.nextInt(1 << 20) : 0,
                random.nextInt(256),
                4 * random.nextInt(11),
                payload);
    }

    @Test
    void whatSoftwareHasToSeeItSees() throws Exception {
        List.of(TCP4, UDP4, TCP6, UDP6).forEach(tuple -> put(plain(tuple)));

        for (int flag : new int[] {Frames.FIN, Frames.SYN, Frames.RST}) {
            assertShown(Frames.frame(TCP4, HELLO.flags(flag | Frames.ACK)));
            assertShown(Frames.frame(TCP6, HELLO.flags(flag)));
        }
        for (TupleView tuple : List.of(TCP4, UDP4, TCP6, UDP6)) {
            assertShown(Frames.frame(tuple, HELLO.ttl(1)));
            assertShown(Frames.frame(tuple, HELLO.ttl(0)));
            byte[] frame = Frames.frame(tuple, HELLO);
            assertShown(Arrays.copyOf(frame, frame.length - 1)); // shorter than its header says
            for (int length = 14; length < frame.length; length++) {
                assertShown(Arrays.copyOf(frame, length));
            }
        }
        byte[] more = Frames.frame(UDP4, HELLO);
        more[20] |= 0x20; // MF
        assertShown(more);
        byte[] later = Frames.frame(UDP4, HELLO);
        later[21] = 1; // offset
        assertShown(later);
        byte[] options = Frames.frame(UDP4, HELLO);
        options[14] = 0x46;
        assertShown(options);
        byte[] fragment6 = Frames.frame(UDP6, HELLO);
        fragment6[20] = 44;
        assertShown(fragment6);
        byte[] version = Frames.frame(UDP6, HELLO);
        version[14] = 0x45;
        assertShown(version);
        byte[] shortTcp = Frames.frame(TCP4, HELLO);
        shortTcp[46] = 0x40;
        assertShown(shortTcp);
        byte[] udpLength = Frames.frame(UDP4, HELLO);
        udpLength[39]--;
        assertShown(udpLength);
        byte[] arp = Frames.frame(UDP4, HELLO);
        arp[13] = 6;
        assertShown(arp);
    }

    private void assertShown(byte[] frame) throws Exception {
        Outcome outcome;
        try {
            outcome = everywhere(frame);
        } catch (java.util.concurrent.ExecutionException e) {
            return; // too short for the kernel to make a packet of it
        }
        assertThat(outcome.isLeftAlone()).as("%s", outcome).isTrue();
        assertThat(outcome.frame()).isEqualTo(frame);
    }

    @Test
    void anotherTupleProtocolOrPortIsNotIt() throws Exception {
        put(plain(UDP4));
        for (TupleView other : List.of(
                Frames.ipv4(UDP, "10.0.0.3", 1234, "10.0.0.2", 53),
                Frames.ipv4(UDP, "10.0.0.1", 1235, "10.0.0.2", 53),
                Frames.ipv4(UDP, "10.0.0.1", 1234, "10.0.0.4", 53),
                Frames.ipv4(UDP, "10.0.0.1", 1234, "10.0.0.2", 54),
                Frames.ipv4(UDP, "10.0.0.2", 53, "10.0.0.1", 1234),
                Frames.ipv4(TCP, "10.0.0.1", 1234, "10.0.0.2", 53),
                UDP6)) {
            assertShown(Frames.frame(other, HELLO));
        }
        tables.stageKey(0, new PathKey(LOOPBACK, UDP4));
        tables.deleteStaged(1);
        tables.stagePut(0, new PathKey(LOOPBACK + 1, UDP4), plain(UDP4), 4, 0);
        tables.putStaged(0, 1);
        assertShown(Frames.frame(UDP4, HELLO));
    }

    /** Each bit that a guard asks for, of each field: with it a frame is carried, without it not. */
    @Test
    void eachBitOfAGuardCounts() throws Exception {
        Random random = new Random(7);
        for (boolean ipv6 : new boolean[] {false, true}) {
            TupleView tuple = ipv6 ? TCP6 : TCP4;
            Shape right =
                    new Shape(0x123456789abcL, 0xdef012345678L, 0xa5, 0x5a, ipv6 ? 0x9cba5 : 0, 16, 0, new byte[9]);
            for (HeaderField field : List.of(
                    HeaderField.ETH_DST,
                    HeaderField.ETH_SRC,
                    HeaderField.NW_TOS,
                    HeaderField.NW_TTL,
                    HeaderField.IPV6_LABEL)) {
                for (int bit = 0; bit < field.widthBits(); bit++) {
                    long other = 1L << random.nextInt(field.widthBits());
                    long mask = 1L << bit | other;
                    HeaderBits guard = new HeaderBits(field, valueOf(right, field) & mask, mask);
                    put(path(tuple, List.of(guard), tuple, List.of()));
                    assertThat(everywhere(Frames.frame(tuple, right)).isCarried())
                            .as("%s", guard)
                            .isTrue();
                    Shape wrong = with(right, field, valueOf(right, field) ^ 1L << bit);
                    if (ipv6 || field != HeaderField.IPV6_LABEL) {
                        assertShown(Frames.frame(tuple, wrong));
                    }
                }
            }
        }
        assertThat(tables.statistic(Slot.GUARD_FAILURES)).isPositive();
    }

    private static long valueOf(Shape shape, HeaderField field) {
        return switch (field) {
            case ETH_DST -> shape.ethDst();
            case ETH_SRC -> shape.ethSrc();
            case NW_TOS -> shape.tos();
            case NW_TTL -> shape.ttl();
            case IPV6_LABEL -> shape.label();
            case VLAN_TCI, PKT_MARK, SKB_PRIORITY -> throw new IllegalArgumentException();
        };
    }

    private static Shape with(Shape shape, HeaderField field, long value) {
        return switch (field) {
            case ETH_DST -> shape.macs(value, shape.ethSrc());
            case ETH_SRC -> shape.macs(shape.ethDst(), value);
            case NW_TOS -> shape.tos((int) value);
            case NW_TTL -> shape.ttl((int) value);
            case IPV6_LABEL -> shape.label((int) value);
            case VLAN_TCI, PKT_MARK, SKB_PRIORITY -> throw new IllegalArgumentException();
        };
    }

    @Test
    void markPriorityAndTagAreSet() throws Exception {
        put(path(
                UDP4,
                List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0)),
                UDP4,
                List.of(
                        HeaderBits.exactly(HeaderField.PKT_MARK, 0x12345678),
                        HeaderBits.exactly(HeaderField.SKB_PRIORITY, 7),
                        HeaderBits.exactly(HeaderField.VLAN_TCI, 0x3064))));

        Outcome outcome = run(Frames.frame(UDP4, HELLO));

        assertThat(outcome.isCarried()).isTrue();
        assertThat(outcome.field(SkBuff.MARK)).isEqualTo(0x12345678);
        assertThat(outcome.field(SkBuff.PRIORITY)).isEqualTo(7);
    }

    @Test
    void whatDoesNotFitTheEgressIsShown() throws Exception {
        put(plain(UDP4));
        byte[] fits = Frames.frame(UDP4, HELLO.payload(new byte[MTU - 28]));
        assertThat(everywhere(fits).isCarried()).isTrue();
        assertShown(Frames.frame(UDP4, HELLO.payload(new byte[MTU - 27])));
    }

    @Test
    void aJoinedFrameIsMeasuredBySegmentAndCountedBySegments() throws Exception {
        put(plain(TCP4));
        final int segment = MTU - 20 - 32;
        byte[] frame = Frames.frame(TCP4, HELLO.tcpOptions(12).payload(new byte[2 * segment + 100]));
        assertThat(frame).hasSizeLessThan(4000);

        assertThat(run(
                                frame,
                                context -> context.putInt(SkBuff.GSO_SIZE.offset(), segment)
                                        .putInt(SkBuff.GSO_SEGS.offset(), 3))
                        .isCarried())
                .isTrue();
        assertThat(tables.packets(3)).isEqualTo(3);
        assertThat(tables.bytes(3)).isEqualTo(frame.length + 2L * (14 + 20 + 32));

        assertThat(run(frame, context -> context.putInt(SkBuff.GSO_SIZE.offset(), segment))
                        .isCarried())
                .isTrue();
        assertThat(tables.packets(3)).isEqualTo(6);

        assertThat(run(frame, context -> context.putInt(SkBuff.GSO_SIZE.offset(), segment + 1))
                        .hidden())
                .isFalse();
    }

    @Test
    void aDatagramWithoutChecksumStaysWithout() throws Exception {
        put(path(UDP4, List.of(), Frames.ipv4(UDP, "1.2.3.4", 1, "5.6.7.8", 2), List.of()));
        byte[] frame = Frames.frame(UDP4, HELLO);
        frame[40] = 0;
        frame[41] = 0;

        byte[] carried = everywhere(frame).frame();

        assertThat(carried[40]).isZero();
        assertThat(carried[41]).isZero();
        assertThat(Frames.withChecksums(carried.clone())[24]).isEqualTo(carried[24]);
    }

    @Test
    void aWrongChecksumStaysWrong() throws Exception {
        put(path(TCP4, List.of(), Frames.ipv4(TCP, "1.2.3.4", 1, "5.6.7.8", 2), List.of()));
        byte[] frame = Frames.frame(TCP4, HELLO);
        frame[24] ^= 1;
        frame[50] ^= 1;

        byte[] carried = everywhere(frame).frame();

        byte[] right = Frames.withChecksums(carried.clone());
        assertThat(Arrays.copyOfRange(carried, 24, 26)).isNotEqualTo(Arrays.copyOfRange(right, 24, 26));
        assertThat(Arrays.copyOfRange(carried, 50, 52)).isNotEqualTo(Arrays.copyOfRange(right, 50, 52));
    }

    @Test
    void whatIsSentIsNotCarriedTwice() throws Exception {
        put(plain(UDP4));
        byte[] frame = Frames.frame(UDP4, HELLO);
        run(frame);

        // Without a decision the carrying program lets pass.
        TestRun alone = PinnedThread.call(() -> tables.carrying().testRun(frame));
        assertThat(alone.result()).isEqualTo(TcxAction.NEXT.code());
    }

    @Test
    void aDecisionIsForItsOwnFrameAlone() throws Exception {
        put(plain(UDP4));
        byte[] frame = Frames.frame(UDP4, HELLO);
        byte[] framed = ByteBuffer.allocate(14 + frame.length)
                .put(frame, 0, 14)
                .put(frame)
                .array();
        byte[] other = Frames.frame(UDP4, Shape.of("hello!"));

        PinnedThread.call(() -> {
            assertThat(tables.deciding().testRun(framed).result()).isZero();
            assertThat(tables.carrying().testRun(other).result()).isEqualTo(TcxAction.NEXT.code());
            assertThat(tables.carrying().testRun(frame).result()).isEqualTo(TcxAction.NEXT.code());
            assertThat(tables.statistic(Slot.STALE)).isOne();
            // A frame that is not carried takes away what was left of the one before.
            assertThat(tables.deciding().testRun(framed).result()).isZero();
            byte[] unknown = framed.clone();
            unknown[14 + 35]++;
            assertThat(tables.deciding().testRun(unknown).result()).isNotZero();
            return tables.carrying().testRun(frame);
        });
        assertThat(tables.packets(3)).isZero();
    }

    @Test
    void carryingStartsAtAPauseSoThatNoFrameIsOvertaken() throws Exception {
        final int pauseMs = 50;
        tables.close();
        tables = KernelTables.create(16, Settling.ofMicroseconds(pauseMs * 1000));
        byte[] frame = Frames.frame(UDP4, HELLO);
        put(plain(UDP4));
        long putNs = System.nanoTime();

        while (!run(frame).isCarried()) {
            Thread.sleep(1);
        }
        // Frames that come closer than the pause put it off, but not for ever.
        assertThat(System.nanoTime() - putNs).isGreaterThan(19L * pauseMs * 1_000_000);
        assertThat(run(frame).isCarried()).isTrue();

        put(plain(TCP4));
        assertThat(run(Frames.frame(TCP4, HELLO)).isLeftAlone()).isTrue();
        Thread.sleep(2 * pauseMs);
        assertThat(run(Frames.frame(TCP4, HELLO)).isCarried()).isTrue();
    }

    @Test
    void whoRemovesAPathWaitsForTheFrameThatIsOnItsWay() throws Exception {
        put(plain(UDP4));
        byte[] frame = Frames.frame(UDP4, HELLO);
        byte[] framed = ByteBuffer.allocate(14 + frame.length)
                .put(frame, 0, 14)
                .put(frame)
                .array();
        PinnedThread.call(() -> tables.deciding().testRun(framed));
        int[] waited = {0};

        tables.awaitUnused(() -> waited[0]++);
        assertThat(waited[0]).isOne();
        tables.awaitUnused(() -> waited[0]++);
        assertThat(waited[0]).as("what never ended is waited for once").isOne();

        PinnedThread.call(() -> tables.carrying().testRun(frame));
        PinnedThread.call(() -> tables.deciding().testRun(framed));
        tables.awaitUnused(() -> waited[0]++);
        assertThat(waited[0]).isEqualTo(2);
    }

    @Test
    void ofAListThatHasNotRoomForAllTheFirstGoInAndTheNextIsNamed() throws Exception {
        final int room = 16;
        final int length = 20;
        for (int i = 0; i < length; i++) {
            TupleView tuple = Frames.ipv4(UDP, "10.0.0.1", 1000 + i, "10.0.0.2", 53);
            tables.stagePut(i, new PathKey(LOOPBACK, tuple), plain(tuple), i % room, 0);
        }
        BatchResult first = tables.putStaged(0, 2);
        assertThat(first.done()).isEqualTo(2);
        assertThat(first.isComplete()).isTrue();

        BatchResult rest = tables.putStaged(2, length);
        assertThat(rest.done()).isEqualTo(room - 2);
        assertThat(rest.failure()).matches(failure -> failure.is(Errno.E2BIG));
    }

    @Test
    void whatIsCarriedAtXdpIsCountedAsElsewhere() throws Exception {
        put(plain(TCP4));
        byte[] frame = Frames.frame(TCP4, HELLO);

        atXdp(frame);
        atXdp(tagged(frame, 5));

        assertThat(tables.packets(3)).isEqualTo(2);
        assertThat(tables.bytes(3)).isEqualTo(2L * frame.length + 4);
        assertThat(tables.lastUseNs(3)).isPositive();
        assertThat(tables.statistic(Slot.XDP_FRAMES)).isEqualTo(2);
        tables.awaitUnused(() -> {
            throw new AssertionError("a slot is busy");
        });
    }

    /** Nothing at XDP says whether a device was to complete the checksum; behind it that is known. */
    @Test
    void aChecksumThatOthersCompleteIsNotCarriedAtXdp() throws Exception {
        for (TupleView tuple : List.of(TCP4, UDP4, TCP6, UDP6)) {
            put(path(
                    tuple,
                    List.of(),
                    tuple.ipv6() ? tuple : Frames.ipv4(tuple.protocol(), "1.2.3.4", 1, "5.6.7.8", 2),
                    List.of()));
            byte[] frame = Frames.withPartialChecksum(Frames.frame(tuple, HELLO.payload(new byte[333])));

            TestRun atXdp = atXdp(frame);

            assertThat(atXdp.result()).as("%s", tuple).isEqualTo(XdpAction.PASS.code());
            assertThat(atXdp.frame()).isEqualTo(frame);
        }
    }

    private static byte[] tagged(byte[] frame, int tci) {
        return ByteBuffer.allocate(frame.length + 4)
                .put(frame, 0, 12)
                .putShort((short) 0x8100)
                .putShort((short) tci)
                .put(frame, 12, frame.length - 12)
                .array();
    }

    /** Tags stand in the frame at XDP: each way from one to another, with and without other things to be written. */
    @Test
    void tagsArePushedPoppedAndChangedAtXdp() throws Exception {
        int[] tags = {0, 0x1000, 0x1064, 0xb064, 0x5064};
        for (TupleView tuple : List.of(TCP4, UDP6)) {
            byte[] untagged = Frames.frame(tuple, HELLO);
            for (int arriving : tags) {
                for (int leaving : tags) {
                    for (boolean translated : new boolean[] {false, true}) {
                        TupleView to = !translated
                                ? tuple
                                : tuple.ipv6()
                                        ? Frames.ipv6(UDP, 77, 1, 88, 2)
                                        : Frames.ipv4(TCP, "1.2.3.4", 1, "5.6.7.8", 2);
                        put(path(
                                tuple,
                                List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, arriving)),
                                to,
                                List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, leaving))));

                        TestRun run = atXdp(arriving == 0 ? untagged : tagged(untagged, arriving & ~0x1000));

                        byte[] expected = Frames.frame(to, HELLO);
                        assertThat(run.result()).isEqualTo(XdpAction.REDIRECT.code());
                        assertThat(run.frame())
                                .as("%x to %x, %s", arriving, leaving, to)
                                .isEqualTo(leaving == 0 ? expected : tagged(expected, leaving & ~0x1000));
                    }
                }
            }
        }
    }

    @Test
    void tagsThatTheGuardDoesNotWantAndOtherKindsOfTagsPassXdp() throws Exception {
        put(path(UDP4, List.of(HeaderBits.exactly(HeaderField.VLAN_TCI, 0x1005)), UDP4, List.of()));
        byte[] untagged = Frames.frame(UDP4, HELLO);
        byte[] serviceTag = tagged(untagged, 5);
        serviceTag[12] = (byte) 0x88;
        serviceTag[13] = (byte) 0xa8;
        for (byte[] frame : List.of(
                untagged, tagged(untagged, 6), tagged(untagged, 0x2005), tagged(tagged(untagged, 7), 5), serviceTag)) {
            assertThat(atXdp(frame).result()).isEqualTo(XdpAction.PASS.code());
        }
        assertThat(atXdp(tagged(untagged, 5)).result()).isEqualTo(XdpAction.REDIRECT.code());
        assertThat(tables.statistic(Slot.GUARD_FAILURES))
                .as("counted where it is looked at again")
                .isZero();
    }

    @Test
    void onlyPathsThatAreForXdpAreCarriedThere() throws Exception {
        final int jumbo = 9000;
        Path path = new Path(1, 1, Direction.ORIGINAL, IN, UDP4, List.of(), port(2, 77, jumbo), UDP4, List.of());
        byte[] frame = Frames.frame(UDP4, HELLO);
        byte[] severalBuffers = Frames.frame(UDP4, HELLO.payload(new byte[8000]));
        for (int flags : new int[] {0, Flag.XDP, Flag.XDP | Flag.XDP_FRAGMENTS}) {
            tables.stagePut(0, new PathKey(LOOPBACK, UDP4), path, 3, flags);
            tables.putStaged(0, 1);
            assertThat(atXdp(frame).result() == XdpAction.REDIRECT.code())
                    .as("%x", flags)
                    .isEqualTo(flags != 0);
            TestRun run = atXdp(severalBuffers);
            assertThat(run.result() == XdpAction.REDIRECT.code())
                    .as("%x", flags)
                    .isEqualTo((flags & Flag.XDP_FRAGMENTS) != 0);
            assertThat(run.frame()).isEqualTo(severalBuffers);
        }
        assertThat(tables.bytes(3)).isEqualTo(frame.length + severalBuffers.length);
    }
}
