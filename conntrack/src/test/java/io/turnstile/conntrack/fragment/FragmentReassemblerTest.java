package io.turnstile.conntrack.fragment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.packet.Frame;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.IpProtocols;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fragments in, wholes out; the datagram that was cut is the oracle. */
class FragmentReassemblerTest {
    private static final long SECOND = 1_000_000_000L;

    private final FragmentReassembler reassembler = new FragmentReassembler();
    private final CompletedDatagrams completed = new CompletedDatagrams();
    private long nowNs = Long.MAX_VALUE - 7 * SECOND; // the clock wraps while things wait

    // ---- ports that go ----

    @Test
    void fragmentsOfPortsThatAreGoneWaitOnAndCameInByNone() {
        List<byte[]> frames = FrameFragments.cut(udp(FragmentFamily.IPV4, 2000).bytes(), 1, 1400);
        Packet first = parsed(frames.getFirst());
        first.setInPort(3);
        PacketBatch batch = new PacketBatch();
        batch.add(first);
        reassembler.takeFragments(batch, 0, nowNs, completed);
        reassembler.forgetPorts(port -> port == 3);
        assertThat(reassembler.status().held()).isEqualTo(1);
        Packet last = parsed(frames.getLast());
        last.setInPort(4);
        batch.clear();
        batch.add(last);
        reassembler.takeFragments(batch, 0, nowNs, completed);
        assertThat(completed.length()).isEqualTo(1);
        assertThat(completed.get(0).fragment(0).inPort()).isEqualTo(-1);
        assertThat(completed.get(0).fragment(1).inPort()).isEqualTo(4);
    }

    // ---- what goes in and comes out ----

    private static Packet parsed(byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        PacketParser.parse(packet);
        return packet;
    }

    private static byte[] random(Random random, int sizeBytes) {
        byte[] bytes = new byte[sizeBytes];
        random.nextBytes(bytes);
        return bytes;
    }

    private static Frame udp(FragmentFamily family, int payloadBytes) {
        return (family == FragmentFamily.IPV4
                        ? Frames.udp("10.0.0.1:1000 > 10.0.0.2:2000")
                        : Frames.udp("[fd00::1]:1000 > [fd00::2]:2000"))
                .payload(random(new Random(payloadBytes), payloadBytes));
    }

    private static byte[] whole(byte[] frame, int identification) {
        return FrameFragments.cut(frame, identification).getFirst();
    }

    /** What is left of one packet in a batch: nothing, itself or a whole. */
    private Packet take(byte[] frame, int zone) {
        PacketBatch batch = new PacketBatch();
        batch.add(parsed(frame));
        reassembler.takeFragments(batch, zone, nowNs, completed);
        return batch.isEmpty() ? null : batch.get(0);
    }

    private void assertHeld(byte[] frame) {
        assertThat(take(frame, 0)).isNull();
    }

    private void assertRefused(byte[] frame) {
        int held = reassembler.status().held();
        Packet left = take(frame, 0);
        assertThat(left).isNotNull();
        assertThat(left.toBytes()).isEqualTo(frame);
        assertThat(completed.isEmpty()).isTrue();
        assertThat(reassembler.status().held()).isEqualTo(held);
    }

    /** The frame completes a datagram, whose whole and whose fragments are these. */
    private void assertCompletes(byte[] frame, byte[] whole, List<byte[]> fragments) {
        Packet left = take(frame, 0);
        assertThat(completed.length()).isEqualTo(1);
        FragmentedDatagram datagram = completed.get(0);
        assertThat(datagram.whole()).isSameAs(left);
        assertWhole(left, whole);
        assertThat(datagram.passOn()).isTrue();
        assertThat(fragmentsOf(datagram))
                .usingElementComparator(Arrays::compare)
                .containsExactlyElementsOf(fragments);
        reassembler.release(completed);
    }

    private static void assertWhole(Packet packet, byte[] whole) {
        assertThat(packet.isReassembled()).isTrue();
        assertThat(packet.toBytes()).isEqualTo(whole);
        assertThat(packet.fragment()).isEqualTo(Packet.FragmentKind.NONE);
        assertThat(packet.checksumState()).isEqualTo(ChecksumState.UNVERIFIED);
        Packet oracle = parsed(whole);
        assertThat(packet.l4Offset()).isEqualTo(oracle.l4Offset());
        assertThat(packet.l3EndOffset()).isEqualTo(oracle.l3EndOffset());
        assertThat(packet.ipProtocol()).isEqualTo(oracle.ipProtocol());
    }

    private static List<byte[]> fragmentsOf(FragmentedDatagram datagram) {
        return IntStream.range(0, datagram.fragmentCount())
                .mapToObj(i -> datagram.fragment(i).toBytes())
                .toList();
    }

    private FragmentStatus.Family counts(FragmentFamily family) {
        return reassembler.status().family(family);
    }

    // ---- joining ----

    @ParameterizedTest
    @EnumSource
    void inOrderOutOfOrderAndBackwards(FragmentFamily family) {
        byte[] frame = udp(family, 5000).bytes();
        int id = 77;
        List<byte[]> fragments = FrameFragments.cut(frame, id, 1480, 2960, 4440);
        for (int[] order : new int[][] {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {3, 0, 1, 2}}) {
            for (int i = 0; i < 3; i++) {
                assertHeld(fragments.get(order[i]));
            }
            assertThat(reassembler.status().held()).isEqualTo(3);
            assertCompletes(fragments.get(order[3]), whole(frame, id), fragments);
            assertThat(reassembler.status().held()).isZero();
        }
        assertThat(counts(family).accepted()).isEqualTo(16);
        assertThat(counts(family).completed()).isEqualTo(16);
        assertThat(counts(FragmentFamily.values()[1 - family.ordinal()]).accepted())
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyCutsInAnyOrderOfManyDatagramsAtOnce(long seed) {
        Random random = new Random(seed);
        reassembler.setMaxFragments(FragmentReassembler.MOST_FRAGMENTS);
        for (FragmentFamily family : FragmentFamily.values()) {
            reassembler.setMinFragmentBytes(family, 400);
        }
        Map<String, byte[]> wholes = new HashMap<>();
        List<byte[]> arrivals = new ArrayList<>();
        for (int id = 0; id < 40; id++) {
            byte[] frame = randomFrame(random);
            List<byte[]> fragments = FrameFragments.cut(frame, id, randomCuts(random, frame));
            wholes.put(Arrays.toString(whole(frame, id)), whole(frame, id));
            arrivals.addAll(fragments);
        }
        Collections.shuffle(arrivals, random);
        int sent = arrivals.size();
        int returned = 0;
        while (!arrivals.isEmpty()) {
            PacketBatch batch = new PacketBatch();
            for (int i = 0; i < PacketBatch.CAPACITY && !arrivals.isEmpty(); i++) {
                batch.add(parsed(arrivals.removeLast()));
            }
            reassembler.takeFragments(batch, 0, nowNs, completed);
            assertThat(batch.length()).as("seed %d", seed).isEqualTo(completed.length());
            for (int i = 0; i < batch.length(); i++) {
                FragmentedDatagram datagram = completed.of(batch.get(i));
                byte[] oracle = wholes.remove(Arrays.toString(batch.get(i).toBytes()));
                assertThat(oracle).as("seed %d", seed).isNotNull();
                assertWhole(batch.get(i), oracle);
                returned += datagram.fragmentCount();
            }
            reassembler.release(completed);
        }
        assertThat(wholes).as("seed %d: datagrams never completed", seed).isEmpty();
        assertThat(returned).isEqualTo(sent);
        assertThat(reassembler.status().held()).isZero();
    }

    private static byte[] randomFrame(Random random) {
        int payload = 500 + random.nextInt(random.nextInt(10) == 0 ? 60_000 : 9000);
        Frame frame = udp(FragmentFamily.values()[random.nextInt(2)], payload);
        if (random.nextBoolean()) {
            frame.vlan(5);
        }
        byte[] bytes = frame.bytes();
        return random.nextInt(3) == 0 ? withExtensions(bytes, random) : bytes;
    }

    /** With hop-by-hop options in front if it is IPv6: every fragment repeats them. */
    private static byte[] withExtensions(byte[] frame, Random random) {
        Packet packet = parsed(frame);
        int l3 = packet.l3Offset();
        if (packet.u8(l3) >> 4 != 6) {
            return frame;
        }
        int optionBytes = 8 * (1 + random.nextInt(3));
        ByteBuffer out = ByteBuffer.allocate(frame.length + optionBytes).put(frame, 0, l3 + 40);
        out.put(frame[l3 + 6]).put((byte) (optionBytes / 8 - 1)).put((byte) 1).put((byte) (optionBytes - 4));
        out.position(l3 + 40 + optionBytes).put(frame, l3 + 40, frame.length - l3 - 40);
        out.put(l3 + 6, (byte) IpProtocols.HOP_BY_HOP).putShort(l3 + 4, (short) (frame.length - l3 - 40 + optionBytes));
        return out.array();
    }

    private static int[] randomCuts(Random random, byte[] frame) {
        int dataBytes = parsed(frame).l3EndOffset() - parsed(frame).l4Offset();
        List<Integer> cuts = new ArrayList<>();
        int at = 400 + random.nextInt(1200) & ~7;
        while (at < dataBytes) {
            cuts.add(at);
            at += 400 + random.nextInt(random.nextInt(8) == 0 ? 20_000 : 1200) & ~7;
        }
        if (cuts.isEmpty()) {
            cuts.add(400);
        }
        return cuts.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void theLargestDatagramsFitAndLongerOnesNeverComplete() {
        byte[] largest4 = udp(FragmentFamily.IPV4, 65_535 - 28).bytes();
        List<byte[]> fragments = FrameFragments.cut(largest4, 1, 32_000, 64_000);
        assertHeld(fragments.get(2));
        assertHeld(fragments.get(0));
        assertCompletes(fragments.get(1), whole(largest4, 1), fragments);

        byte[] largest6 = udp(FragmentFamily.IPV6, 65_535 - 8).bytes();
        fragments = FrameFragments.cut(largest6, 1, 32_000, 64_000);
        assertHeld(fragments.get(1));
        assertHeld(fragments.get(2));
        assertCompletes(fragments.get(0), whole(largest6, 1), fragments);

        // With the first fragment's options the whole is too long, which shows only at the end.
        byte[] options = withExtensions(udp(FragmentFamily.IPV6, 2000).bytes(), new Random(1));
        byte[] first = FrameFragments.cut(options, 2, 2000).getFirst();
        List<byte[]> rest = FrameFragments.cut(largest6, 2, 2000, 34_000, 64_000);
        assertHeld(first);
        assertHeld(rest.get(1));
        assertHeld(rest.get(2));
        assertHeld(rest.get(3));
        assertThat(completed.isEmpty()).isTrue();
        assertThat(reassembler.incomplete()).singleElement().asString().contains("FAILED");
        assertRefused(rest.get(1));
        nowNs += 16 * SECOND;
        assertThat(reassembler.expire(nowNs)).isEqualTo(4);
    }

    @Test
    void paddingIsNoData() {
        byte[] frame = udp(FragmentFamily.IPV4, 1300).bytes();
        List<byte[]> fragments = new ArrayList<>(FrameFragments.cut(frame, 9, 1304));
        fragments.set(1, Arrays.copyOf(fragments.get(1), 60));
        assertHeld(fragments.get(1));
        assertCompletes(fragments.get(0), whole(frame, 9), fragments);
    }

    @Test
    void metadataOfTheFirstFragmentIsTheWholes() {
        List<byte[]> fragments =
                FrameFragments.cut(udp(FragmentFamily.IPV4, 2000).bytes(), 9, 1480);
        for (int i = 1; i >= 0; i--) {
            Packet fragment = parsed(fragments.get(i));
            fragment.setInPort(40 + i);
            fragment.setMark(50 + i);
            PacketBatch batch = new PacketBatch();
            batch.add(fragment);
            reassembler.takeFragments(batch, 0, nowNs, completed);
        }
        FragmentedDatagram datagram = completed.get(0);
        assertThat(datagram.whole().inPort()).isEqualTo(40);
        assertThat(datagram.whole().mark()).isEqualTo(50);
        assertThat(datagram.fragment(1).inPort()).isEqualTo(41);
    }

    @Test
    void addressesIdentificationProtocolZoneAndRecirculationTellDatagramsApart() {
        byte[] frame = udp(FragmentFamily.IPV4, 2000).bytes();
        byte[] first = FrameFragments.cut(frame, 9, 1480).get(0);
        byte[] last = FrameFragments.cut(frame, 9, 1480).get(1);
        assertHeld(first);
        assertHeld(FrameFragments.cut(frame, 10, 1480).get(1));
        assertHeld(FrameFragments.cut(
                        Frames.udp("10.0.0.3:1 > 10.0.0.2:2").payload(2000).bytes(), 9, 1480)
                .get(1));
        assertHeld(FrameFragments.cut(
                        Frames.udp("10.0.0.1:1 > 10.0.0.3:2").payload(2000).bytes(), 9, 1480)
                .get(1));
        assertHeld(FrameFragments.cut(
                        Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").payload(2000).bytes(), 9, 1480)
                .get(1));
        assertThat(take(last, 1)).isNull();
        Packet later = parsed(last);
        later.setRecirculationId(3);
        PacketBatch batch = new PacketBatch();
        batch.add(later);
        reassembler.takeFragments(batch, 0, nowNs, completed);
        assertThat(batch.isEmpty()).isTrue();
        assertThat(reassembler.incomplete()).hasSize(7);
        assertThat(take(last, 0)).isNotNull();
        assertThat(completed.length()).isEqualTo(1);
    }

    // ---- refusing ----

    @ParameterizedTest
    @EnumSource
    void duplicatesAndOverlapsAreRefusedAndDoNoHarm(FragmentFamily family) {
        byte[] frame = udp(family, 6000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480, 2960, 4440);
        assertHeld(fragments.get(0));
        assertHeld(fragments.get(2));
        assertRefused(fragments.get(0));
        byte[] other = udp(family, 6000 - 8).bytes();
        assertRefused(FrameFragments.cut(other, 7, 1472, 2960).get(1)); // its head is there already
        assertRefused(FrameFragments.cut(other, 7, 1480, 2968).get(1)); // its tail
        assertRefused(FrameFragments.cut(other, 7, 1472, 2968).get(1)); // fills the hole and more
        assertRefused(FrameFragments.cut(other, 7, 2952, 4448).get(1)); // covers what is there
        assertThat(counts(family).overlapped()).isEqualTo(5);
        assertHeld(fragments.get(3));
        assertCompletes(fragments.get(1), whole(frame, 7), fragments);
    }

    @ParameterizedTest
    @EnumSource
    void whatContradictsTheEndIsRefused(FragmentFamily family) {
        byte[] frame = udp(family, 6000).bytes();
        byte[] shorter = udp(family, 4000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480, 2960, 4440);
        assertHeld(fragments.get(2)); // 2960 to 4440
        assertRefused(FrameFragments.cut(udp(family, 2500).bytes(), 7, 1480).get(1)); // ends before that
        assertHeld(fragments.get(3));
        assertRefused(
                FrameFragments.cut(udp(family, 9000).bytes(), 7, 6016, 7496).get(1)); // goes on behind the end
        assertRefused(FrameFragments.cut(udp(family, 7000).bytes(), 7, 6016).get(1)); // another end
        assertThat(FrameFragments.cut(shorter, 7, 1480)).hasSize(2);
        assertThat(counts(family).malformed()).isEqualTo(3);
        assertHeld(fragments.get(0));
        assertCompletes(fragments.get(1), whole(frame, 7), fragments);
    }

    @ParameterizedTest
    @EnumSource
    void tinyFragmentsAreRefusedUnlessLast(FragmentFamily family) {
        int networkHeaderBytes = family == FragmentFamily.IPV4 ? 20 : 48;
        int least = family.defaultMinFragmentBytes() - networkHeaderBytes + 7 & ~7;
        byte[] frame = udp(family, 4000).bytes();
        assertRefused(FrameFragments.cut(frame, 7, least - 8).get(0));
        assertRefused(FrameFragments.cut(frame, 7, 1480, 1488).get(1));
        assertThat(counts(family).tooSmall()).isEqualTo(2);
        assertHeld(FrameFragments.cut(frame, 7, 4000).get(1)); // the last has 8 bytes
        assertHeld(FrameFragments.cut(frame, 7, least).get(0));

        reassembler.setMinFragmentBytes(family, 400);
        assertHeld(
                FrameFragments.cut(frame, 8, 400 - networkHeaderBytes + 7 & ~7).get(0));
        assertThatThrownBy(() -> reassembler.setMinFragmentBytes(family, 399))
                .isInstanceOf(IllegalArgumentException.class);
        reassembler.setMinFragmentBytes(family, 4_294_967_295L);
        assertRefused(FrameFragments.cut(frame, 9, 2000).get(0));
    }

    @Test
    void hostileLengthsAreRefused() {
        byte[] frame = udp(FragmentFamily.IPV4, 4000).bytes();
        assertRefused(corrected(FrameFragments.cut(frame, 7, 1480, 2960).get(1), 0x3fff)); // beyond 65535
        assertRefused(FrameFragments.cut(frame, 7, 1481).get(0)); // leaves a hole
        assertRefused(FrameFragments.cut(frame, 7, 4008).get(1)); // carries nothing
        assertThat(counts(FragmentFamily.IPV4).malformed()).isEqualTo(3);
        byte[] wrongSum = FrameFragments.cut(frame, 7, 1480).get(0);
        wrongSum[24] ^= 1;
        assertRefused(wrongSum);
        byte[] frame6 = udp(FragmentFamily.IPV6, 4000).bytes();
        assertRefused(FrameFragments.cut(frame6, 7, 1481).get(0));
        assertRefused(FrameFragments.cut(frame6, 7, 4008).get(1));
        byte[] beyond = FrameFragments.cut(frame6, 7, 1480).get(1);
        beyond[14 + 40 + 2] = (byte) 0xff;
        beyond[14 + 40 + 3] = (byte) 0xf8;
        assertRefused(beyond);
        assertThat(counts(FragmentFamily.IPV6).malformed()).isEqualTo(3);
        assertThat(reassembler.incomplete()).isEmpty();
    }

    /** With another fragment word and the checksum that goes with it. */
    private static byte[] corrected(byte[] frame, int fragmentWord) {
        Packet packet = parsed(frame);
        int l3 = packet.l3Offset();
        packet.putU16(l3 + 10, InternetChecksum.update16(packet.u16(l3 + 10), packet.u16(l3 + 6), fragmentWord));
        packet.putU16(l3 + 6, fragmentWord);
        return packet.toBytes();
    }

    @Test
    void aSecondFragmentHeaderDoesNotHideTheFirst() {
        byte[] first = FrameFragments.cut(udp(FragmentFamily.IPV6, 4000).bytes(), 7, 1480)
                .get(0);
        int header = 14 + 40;
        ByteBuffer nested =
                ByteBuffer.allocate(first.length + 8).put(first, 0, header + 8).put((byte) IpProtocols.UDP);
        nested.position(header + 16).put(first, header + 8, first.length - header - 8);
        nested.put(header, (byte) IpProtocols.FRAGMENT).putShort(14 + 4, (short) (first.length - header + 8));
        assertThat(parsed(nested.array()).fragment()).isEqualTo(Packet.FragmentKind.FIRST);
        assertHeld(nested.array());
    }

    @Test
    void mutatedFragmentsNeverThrowAndNeverLeak() {
        Random random = new Random(11);
        List<byte[]> frames = new ArrayList<>();
        for (FragmentFamily family : FragmentFamily.values()) {
            reassembler.setMinFragmentBytes(family, 400);
            frames.addAll(FrameFragments.cut(udp(family, 3000).bytes(), 3, 800, 1600, 2400));
            frames.addAll(FrameFragments.cut(withExtensions(udp(family, 3000).bytes(), random), 3, 800, 1600));
        }
        for (int i = 0; i < 40_000; i++) {
            byte[] frame = frames.get(random.nextInt(frames.size())).clone();
            for (int j = random.nextInt(4); j > 0; j--) {
                frame[12 + random.nextInt(60)] = (byte) random.nextInt(256);
            }
            if (random.nextInt(4) == 0) {
                frame = Arrays.copyOf(frame, 14 + random.nextInt(frame.length));
            }
            take(frame, random.nextInt(3));
            for (int j = 0; j < completed.length(); j++) {
                assertThat(completed.get(j).passOn()).isTrue();
            }
            reassembler.release(completed);
            nowNs += SECOND / 50;
            reassembler.expire(nowNs);
        }
        nowNs += 16 * SECOND;
        reassembler.expire(nowNs);
        assertThat(reassembler.status().held()).isZero();
        for (FragmentFamily family : FragmentFamily.values()) {
            assertThat(counts(family).accepted())
                    .isPositive()
                    .isEqualTo(counts(family).completed() + counts(family).expired());
            assertThat(counts(family).completed()).isPositive();
        }
    }

    // ---- time, limits, switches ----

    @ParameterizedTest
    @EnumSource
    void whatIsNotCompleteAfterFifteenSecondsIsGone(FragmentFamily family) {
        byte[] frame = udp(family, 4000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480, 2960);
        assertHeld(fragments.get(0));
        nowNs += 10 * SECOND;
        assertHeld(fragments.get(1)); // does not prolong the wait
        assertHeld(FrameFragments.cut(frame, 8, 1480, 2960).get(1));
        nowNs += 5 * SECOND;
        assertThat(reassembler.expire(nowNs)).isZero();
        nowNs++;
        assertThat(reassembler.expire(nowNs)).isEqualTo(2);
        assertThat(counts(family).expired()).isEqualTo(2);
        assertThat(reassembler.status().held()).isEqualTo(1);
        assertHeld(fragments.get(2));
        assertThat(reassembler.incomplete()).hasSize(2);
        nowNs += 10 * SECOND;
        assertThat(reassembler.expire(nowNs)).isEqualTo(1);
    }

    @Test
    void noMoreAreHeldThanTheLimitSays() {
        reassembler.setMaxFragments(3);
        byte[] frame = udp(FragmentFamily.IPV4, 4000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480, 2960);
        assertHeld(fragments.get(0));
        assertHeld(FrameFragments.cut(frame, 8, 1480).get(0));
        assertHeld(FrameFragments.cut(udp(FragmentFamily.IPV6, 4000).bytes(), 8, 1480)
                .get(0));
        assertRefused(fragments.get(1));
        assertThat(counts(FragmentFamily.IPV4).beyondLimit()).isEqualTo(1);
        reassembler.setMaxFragments(4);
        assertHeld(fragments.get(1));
        reassembler.setMaxFragments(5);
        assertCompletes(fragments.get(2), whole(frame, 7), fragments);
        assertThatThrownBy(() -> reassembler.setMaxFragments(5001)).isInstanceOf(IllegalArgumentException.class);
        reassembler.setMaxFragments(0);
        assertRefused(fragments.get(0));
    }

    @Test
    void anIpv4DatagramHasNoMoreFragmentsThanTheSmallestAllow() {
        int[] cuts = IntStream.range(1, 59).map(i -> i * 1112).toArray();
        reassembler.setMinFragmentBytes(FragmentFamily.IPV4, 1132);
        byte[] frame = udp(FragmentFamily.IPV4, 65_000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, cuts);
        fragments.subList(0, 55).forEach(this::assertHeld);
        reassembler.setMinFragmentBytes(FragmentFamily.IPV4, 1260); // 55 of those at most
        assertRefused(fragments.getLast());
        assertThat(counts(FragmentFamily.IPV4).beyondLimit()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void aFamilySwitchedOffIsLeftAlone(FragmentFamily family) {
        byte[] frame = udp(family, 4000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480);
        assertHeld(fragments.get(0));
        reassembler.setEnabled(family, false);
        assertRefused(fragments.get(1));
        FragmentFamily other = FragmentFamily.values()[1 - family.ordinal()];
        assertHeld(FrameFragments.cut(udp(other, 4000).bytes(), 7, 1480).get(0));
        reassembler.setEnabled(other, false);
        assertRefused(fragments.get(1));
        assertThat(reassembler.status().held()).isEqualTo(2);
        reassembler.setEnabled(family, true);
        assertCompletes(fragments.get(1), whole(frame, 7), fragments);
    }

    // ---- passing on ----

    @ParameterizedTest
    @EnumSource
    void whatTheTrackerDidToTheWholeIsDoneToEveryFragment(FragmentFamily family) {
        boolean ipv6 = family == FragmentFamily.IPV6;
        byte[] payload = random(new Random(5), 4000);
        byte[] before = udp(family, 0).payload(payload).bytes();
        byte[] translated = Frames.udp(ipv6 ? "[fd00::9]:1111 > [fd00::2]:2222" : "10.0.0.9:1111 > 10.0.0.2:2222")
                .payload(payload)
                .bytes();
        List<byte[]> fragments = FrameFragments.cut(before, 7, 1480, 2960);
        for (int i = 2; i >= 0; i--) {
            take(fragments.get(i), 3);
        }
        FragmentedDatagram datagram = completed.get(0);
        Packet rewritten = parsed(whole(translated, 7));
        datagram.whole().putBytes(0, rewritten, 0, rewritten.lengthBytes());
        datagram.whole().setConntrack(0x22, 3, 4, 5, 6);
        datagram.whole().ctOriginal().sourcePort = 1000;
        datagram.whole().setCtConnection(99);

        assertThat(datagram.passOn()).isTrue();
        assertThat(fragmentsOf(datagram))
                .usingElementComparator(Arrays::compare)
                .containsExactlyElementsOf(FrameFragments.cut(translated, 7, 1480, 2960));
        for (int i = 0; i < 3; i++) {
            Packet fragment = datagram.fragment(i);
            assertThat(fragment.ctState()).isEqualTo(0x22);
            assertThat(fragment.ctZone()).isEqualTo(3);
            assertThat(fragment.ctMark()).isEqualTo(4);
            assertThat(fragment.ctLabelHigh()).isEqualTo(5);
            assertThat(fragment.ctLabelLow()).isEqualTo(6);
            assertThat(fragment.ctOriginal().sourcePort).isEqualTo(1000);
            assertThat(fragment.ctConnection())
                    .as("a fragment is never looked up")
                    .isZero();
        }
    }

    @Test
    void aWholeOfAnotherLengthIsNotPassedOn() {
        List<byte[]> fragments =
                FrameFragments.cut(udp(FragmentFamily.IPV4, 4000).bytes(), 7, 1480);
        fragments.forEach(fragment -> take(fragment, 0));
        FragmentedDatagram datagram = completed.get(0);
        datagram.whole().truncate(datagram.whole().lengthBytes() - 1);
        datagram.whole().setConntrack(0x22, 3, 4, 5, 6);
        assertThat(datagram.passOn()).isFalse();
        assertThat(datagram.fragment(0).ctState()).isZero();
    }

    @Test
    void ordinaryPacketsKeepTheirPlace() {
        byte[] frame = udp(FragmentFamily.IPV4, 2000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 7, 1480);
        PacketBatch batch = new PacketBatch();
        Packet before = parsed(udp(FragmentFamily.IPV4, 10).bytes());
        Packet between = parsed(Frames.arpRequest("10.0.0.1 > 10.0.0.2").bytes());
        Packet after = parsed(udp(FragmentFamily.IPV6, 10).bytes());
        batch.add(before);
        batch.add(parsed(fragments.get(1)));
        batch.add(between);
        batch.add(parsed(fragments.get(0)));
        batch.add(after);
        reassembler.takeFragments(batch, 0, nowNs, completed);
        assertThat(IntStream.range(0, batch.length()).mapToObj(batch::get))
                .containsExactly(before, between, completed.get(0).whole(), after);
        assertThat(completed.of(before)).isNull();
    }

    @Test
    void linesAreThoseOfIpfGetStatus() {
        byte[] frame = udp(FragmentFamily.IPV4, 6000).bytes();
        List<byte[]> fragments = FrameFragments.cut(frame, 0xbeef, 1480, 2960, 4440);
        take(fragments.get(1), 9);
        assertThat(reassembler.incomplete().getFirst().line())
                .isEqualTo("(src=10.0.0.1,dst=10.0.0.2,recirc_id=0,"
                        + "ip_id=48879,dl_type=0x800,zone=9,nw_proto=17,num_fragments=1,state=other frag)");
        take(fragments.get(3), 9);
        assertThat(reassembler.incomplete().getFirst().line()).endsWith("num_fragments=2,state=last frag)");
        take(fragments.get(0), 9);
        assertThat(reassembler.incomplete().getFirst().line()).endsWith("num_fragments=3,state=first/last frag)");
        take(
                FrameFragments.cut(udp(FragmentFamily.IPV6, 4000).bytes(), 0xfedc_ba98, 1480)
                        .get(0),
                0);
        assertThat(reassembler.incomplete().get(1).line())
                .isEqualTo("(src=fd00::1,dst=fd00::2,recirc_id=0,ip_id=4275878552,"
                        + "dl_type=0x86dd,zone=0,nw_proto=0,num_fragments=1,state=first frag)");
    }
}
