package io.turnstile.offload.provider.ebpf;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.TupleView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which paths are taken, and why others are not. */
class PathValueTest {
    private static final TupleView UDP4 = Frames.ipv4(17, "10.0.0.1", 1234, "10.0.0.2", 53);
    private static final TupleView UDP6 = Frames.ipv6(17, 1, 1234, 2, 53);

    private static PortRef port(String kind, int ifindex, int mtu) {
        return new PortRef(1, 1, "p1", "br0", 1, kind, ifindex, 0, mtu);
    }

    private static Path path(TupleView tuple, PortRef ingress, PortRef egress) {
        return new Path(1, 1, Direction.REPLY, ingress, tuple, List.of(), egress, tuple, List.of());
    }

    private static String obstacle(TupleView tuple, List<HeaderBits> guard, List<HeaderBits> rewrites) {
        PortRef port = port("system", 5, 1500);
        return PathValue.obstacle(new Path(1, 1, Direction.ORIGINAL, port, tuple, guard, port, tuple, rewrites));
    }

    @Test
    void portsHaveToBeDevicesThatTheSwitchReads() {
        PortRef good = port("system", 5, 1500);
        assertThat(PathValue.obstacle(path(UDP4, good, good))).isNull();
        assertThat(PathValue.obstacle(path(UDP4, port("internal", 5, 1500), good)))
                .isEqualTo("ingress port is of type internal");
        assertThat(PathValue.obstacle(path(UDP4, good, port("geneve", 5, 1500))))
                .isEqualTo("egress port is of type geneve");
        assertThat(PathValue.obstacle(path(UDP4, good, PortRef.GONE))).isEqualTo("egress port is of type unknown");
        assertThat(PathValue.obstacle(path(UDP4, port("system", 0, 1500), good)))
                .isEqualTo("ingress port has no device");
        assertThat(PathValue.obstacle(path(UDP4, good, port("system", 5, 0))))
                .isEqualTo("the MTU of the egress port is not known");
    }

    @Test
    void otherProtocolsAreNotCarried() {
        PortRef good = port("system", 5, 1500);
        TupleView icmp = new TupleView(false, 1, 0, 1, 0, 2, 0, 0, 5, 8, 0);
        assertThat(PathValue.obstacle(path(icmp, good, good))).isEqualTo("neither TCP nor UDP");
        assertThat(PathValue.obstacle(new Path(1, 1, Direction.ORIGINAL, good, UDP4, List.of(), good, UDP6, List.of())))
                .isEqualTo("leaves as another protocol than it came");
    }

    @Test
    void aGuardThatNothingPassesIsRefused() {
        assertThat(obstacle(UDP4, List.of(HeaderBits.exactly(HeaderField.PKT_MARK, 0)), List.of()))
                .isNull();
        assertThat(obstacle(UDP4, List.of(HeaderBits.exactly(HeaderField.PKT_MARK, 1)), List.of()))
                .isEqualTo("no packet comes with pkt_mark other than 0");
        assertThat(obstacle(UDP4, List.of(new HeaderBits(HeaderField.IPV6_LABEL, 1, 1)), List.of()))
                .isEqualTo("no packet comes with ipv6_label other than 0");
        assertThat(obstacle(UDP6, List.of(new HeaderBits(HeaderField.IPV6_LABEL, 1, 1)), List.of()))
                .isNull();
    }

    @Test
    void partsOfAnAddressCannotBeWritten() {
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.ETH_DST, 0, 1))))
                .isEqualTo("cannot write eth_dst in part");
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.NW_TTL, 0, 1))))
                .isEqualTo("cannot write nw_ttl in part");
        assertThat(obstacle(UDP4, List.of(), List.of(HeaderBits.exactly(HeaderField.IPV6_LABEL, 0))))
                .isEqualTo("cannot write ipv6_label");
        assertThat(obstacle(UDP4, List.of(), List.of(new HeaderBits(HeaderField.NW_TOS, 4, 4))))
                .isNull();
    }

    /** Whatever the field: it is carried, or there is a reason. */
    @Test
    void eachFieldHasAnAnswer() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(PathValue.SIZE_BYTES, 8);
            PortRef port = port("system", 5, 1500);
            for (HeaderField field : HeaderField.values()) {
                List<HeaderBits> bits = List.of(HeaderBits.exactly(field, 0));
                Path path = new Path(1, 1, Direction.ORIGINAL, port, UDP6, bits, port, UDP6, bits);
                assertThat(PathValue.obstacle(path)).isNull();
                PathValue.write(path, 0, value);
            }
        }
    }

    /** What the kernel adds to key and value, each a multiple of 8 bytes, it has memory for in pieces of 256 bytes. */
    @Test
    void aPathFitsAPieceOfTheKernelsMemory() {
        final int ofAnEntry = 48; // struct htab_elem
        final int ofAFreeList = 8; // struct llist_node
        int keyBytes = (PathKey.SIZE_BYTES + 7) / 8 * 8;
        int valueBytes = (PathValue.SIZE_BYTES + 7) / 8 * 8;
        assertThat(ofAnEntry + keyBytes + valueBytes + ofAFreeList).isLessThanOrEqualTo(256);
    }

    /** Beside one that puts bit after bit, and sums word after word as the frame has them. */
    @Test
    void guardRewritesAndSumsAreThoseOfANaiveWriter() {
        Random random = new Random(26);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(PathValue.SIZE_BYTES, 8);
            PortRef port = port("system", 5, 1500);
            for (int i = 0; i < 2_000; i++) {
                boolean ipv6 = random.nextBoolean();
                TupleView arriving = tuple(random, ipv6);
                TupleView leaving = random.nextBoolean() ? arriving : tuple(random, ipv6);
                List<HeaderBits> guard = bits(random, false);
                List<HeaderBits> rewrites = bits(random, true);
                PathValue.write(
                        new Path(1, 1, Direction.ORIGINAL, port, arriving, guard, port, leaving, rewrites), 0, value);

                byte[] expectedValues = naive(guard, ipv6, false);
                byte[] expectedMasks = naive(guard, ipv6, true);
                for (int at = 0; at < 24; at++) {
                    int word = PathValue.GUARD + at / 8 * 16 + at % 8;
                    assertThat(value.get(ValueLayout.JAVA_BYTE, word)).isEqualTo(expectedValues[at]);
                    assertThat(value.get(ValueLayout.JAVA_BYTE, word + 8)).isEqualTo(expectedMasks[at]);
                }
                byte[] written = naive(rewrites, ipv6, false);
                byte[] mask = naive(rewrites, ipv6, true);
                assertThat(bytes(value, PathValue.ETH_DST, 12)).isEqualTo(Arrays.copyOf(written, 12));
                assertThat(bytes(value, PathValue.FIRST_WORD_VALUE, 4)).isEqualTo(Arrays.copyOfRange(written, 14, 18));
                assertThat(bytes(value, PathValue.FIRST_WORD_MASK, 4)).isEqualTo(Arrays.copyOfRange(mask, 14, 18));
                assertThat(bytes(value, PathValue.ADDRESS_DIFFERENCE, 2))
                        .isEqualTo(difference(addresses(arriving), addresses(leaving)));
                assertThat(bytes(value, PathValue.PORT_DIFFERENCE, 2))
                        .isEqualTo(difference(ports(arriving), ports(leaving)));
            }
        }
    }

    private static TupleView tuple(Random random, boolean ipv6) {
        long mask = random.nextInt(4) == 0 ? 0xffff : -1L;
        return ipv6
                ? new TupleView(
                        true,
                        6,
                        random.nextLong() & mask,
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong() & mask,
                        random.nextInt(1 << 16),
                        random.nextInt(1 << 16),
                        0,
                        0,
                        0)
                : new TupleView(
                        false,
                        6,
                        0,
                        random.nextInt() & mask & 0xffff_ffffL,
                        0,
                        random.nextInt() & 0xffff_ffffL,
                        random.nextInt(1 << 16),
                        random.nextInt(1 << 16),
                        0,
                        0,
                        0);
    }

    private static List<HeaderBits> bits(Random random, boolean whole) {
        List<HeaderBits> all = new ArrayList<>();
        for (HeaderField field : HeaderField.values()) {
            long mask = whole ? field.fullMask() : field.fullMask() & random.nextLong();
            if (random.nextBoolean() && mask != 0) {
                all.add(new HeaderBits(field, random.nextLong() & mask, mask));
            }
        }
        return all;
    }

    private static byte[] naive(List<HeaderBits> all, boolean ipv6, boolean masks) {
        byte[] frame = new byte[24];
        for (HeaderBits bits : all) {
            int first = switch (bits.field()) {
                case ETH_DST -> 0;
                case ETH_SRC -> 48;
                case NW_TOS -> ipv6 ? 116 : 120;
                case NW_TTL -> ipv6 ? 168 : 176;
                case IPV6_LABEL -> ipv6 ? 124 : -1;
                case VLAN_TCI, PKT_MARK, SKB_PRIORITY -> -1;
            };
            int width = bits.field().widthBits();
            for (int i = 0; first >= 0 && i < width; i++) {
                long bit = (masks ? bits.mask() : bits.value()) >>> width - 1 - i & 1;
                frame[(first + i) / 8] |= (byte) (bit << 7 - (first + i) % 8);
            }
        }
        return frame;
    }

    private static byte[] addresses(TupleView t) {
        return ByteBuffer.allocate(32)
                .putLong(t.sourceHigh())
                .putLong(t.sourceLow())
                .putLong(t.destinationHigh())
                .putLong(t.destinationLow())
                .array();
    }

    private static byte[] ports(TupleView t) {
        return ByteBuffer.allocate(4)
                .putShort((short) t.sourcePort())
                .putShort((short) t.destinationPort())
                .array();
    }

    /** RFC 1624: the words that come, and those that go inverted, with every carry added again. */
    private static byte[] difference(byte[] before, byte[] after) {
        long sum = 0;
        for (int at = 0; at < before.length; at += 2) {
            sum += ByteBuffer.wrap(after).getShort(at) & 0xffff;
            sum += ~ByteBuffer.wrap(before).getShort(at) & 0xffff;
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return ByteBuffer.allocate(2).putShort((short) sum).array();
    }

    private static byte[] bytes(MemorySegment value, int at, int length) {
        return value.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    }
}
