package io.turnstile.conntrack.fragment;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionTracker;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.time.ManualClock;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fragments of datagrams that are translated: what leaves is what cutting the translated datagram gives. */
class FragmentTranslationTest {
    private static final int[] CUTS = {1480, 2960, 4440};
    private final ManualClock clock = new ManualClock(1_000_000_000L, 0);
    private final ConnectionTracker tracker = new ConnectionTracker(clock, 100);
    private final FragmentReassembler reassembler = new FragmentReassembler();

    private static byte[] datagram(boolean ipv6, String from, int sourcePort, String to, int destinationPort) {
        byte[] payload = new byte[5000];
        new Random(1).nextBytes(payload);
        String ends = ipv6 ? "[fd00::%s]:%d > [fd00::%s]:%d" : "10.0.0.%s:%d > 10.0.0.%s:%d";
        return Frames.udp(ends.formatted(from, sourcePort, to, destinationPort))
                .payload(payload)
                .bytes();
    }

    private static NatRequest source(boolean ipv6, int port) {
        long high = ipv6 ? 0xfd00_0000_0000_0000L : 0;
        long low = ipv6 ? 9 : 0x0a00_0009;
        return new NatRequest(
                NatRequest.Kind.SOURCE, ipv6, high, low, high, low, port, port, false, NatRequest.Choice.DEFAULT);
    }

    /** What leaves a ct() with that request: the fragments of completed datagrams. */
    private List<byte[]> track(List<byte[]> frames, CtRequest request) {
        CompletedDatagrams completed = new CompletedDatagrams();
        PacketBatch batch = new PacketBatch();
        for (byte[] frame : frames) {
            Packet packet = Packet.copyOf(frame);
            PacketParser.parse(packet);
            batch.add(packet);
        }
        reassembler.takeFragments(batch, request.zone(), clock.nowNs(), completed);
        tracker.track(batch, request, clock.nowNs());
        List<byte[]> left = IntStream.range(0, batch.length())
                .boxed()
                .flatMap(place -> {
                    FragmentedDatagram datagram = completed.of(batch.get(place));
                    assertThat(datagram.passOn()).isTrue();
                    return IntStream.range(0, datagram.fragmentCount())
                            .mapToObj(i -> datagram.fragment(i).toBytes());
                })
                .toList();
        reassembler.release(completed);
        return left;
    }

    @ParameterizedTest
    @EnumSource
    void addressesPortsAndChecksumsReachTheFragmentsBothWays(FragmentFamily family) {
        boolean ipv6 = family == FragmentFamily.IPV6;
        List<byte[]> there = track(
                FrameFragments.cut(datagram(ipv6, "1", 1000, "2", 2000), 7, CUTS)
                        .reversed(),
                CtRequest.commit(3).with(source(ipv6, 5000)));
        assertThat(there)
                .usingElementComparator(Arrays::compare)
                .containsExactlyElementsOf(FrameFragments.cut(datagram(ipv6, "9", 5000, "2", 2000), 7, CUTS));
        List<byte[]> back = track(
                FrameFragments.cut(datagram(ipv6, "2", 2000, "9", 5000), 8, CUTS),
                CtRequest.lookup(3).with(NatRequest.ANY));
        assertThat(back)
                .usingElementComparator(Arrays::compare)
                .containsExactlyElementsOf(FrameFragments.cut(datagram(ipv6, "2", 2000, "1", 1000), 8, CUTS));
    }

    @Test
    void fragmentsOfADatagramThatCannotBeTranslatedGoNowhere() {
        CtRequest request = CtRequest.commit(3).with(source(false, 5000));
        assertThat(track(FrameFragments.cut(datagram(false, "1", 1000, "2", 2000), 7, CUTS), request))
                .hasSize(4);
        assertThat(track(FrameFragments.cut(datagram(false, "1", 1001, "2", 2000), 8, CUTS), request))
                .isEmpty();
        assertThat(reassembler.status().held()).isZero();
    }
}
