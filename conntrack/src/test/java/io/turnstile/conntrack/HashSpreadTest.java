package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import io.turnstile.packet.IpProtocols;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is chosen by hash or by chance is spread: over tuples as they are in life, with one number that counts up, each
 * of the things to choose from is chosen about equally often. The bounds of the chi-square sum are so wide that chance
 * crosses them once in ten thousand million times; a choice that is always the same, or one of half the things, is
 * beyond them by a factor of ten at least.
 */
class HashSpreadTest {
    private static final int CHOICES = 4096;
    private static final int BITS_OF_BUCKET = 4;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final NatSearch search =
            new NatSearch(new NatHash(random.nextLong(), random.nextLong()), new SplittableRandom(seed), key -> true);
    private final TupleHash tupleHash = new TupleHash();
    private final TupleKey reply = new TupleKey();

    /** Which number of a tuple counts up, by how much. */
    private enum Counting {
        CLIENT_HOSTS,
        CLIENT_NETWORKS,
        SOURCE_PORTS;

        /** The tuple of that number, of a client to a server whose address it does not choose. */
        TupleKey tuple(int number, boolean ipv6, int protocol) {
            TupleKey key = new TupleKey();
            key.kind = EntryLayout.kind(0, protocol, 0, ipv6);
            key.sourceHigh = ipv6 ? 0x2001_0db8_0000_0000L : 0;
            key.sourceLow = ipv6 ? 1 : 0x0a00_0101;
            key.destinationHigh = ipv6 ? 0x2001_0db8_ffff_0000L : 0;
            key.destinationLow = ipv6 ? 0x35 : 0xc000_0201L;
            key.sourcePort = 32_768;
            key.destinationPort = 443;
            switch (this) {
                case CLIENT_HOSTS -> key.sourceLow += number;
                case CLIENT_NETWORKS -> {
                    key.sourceHigh += ipv6 ? number : 0;
                    key.sourceLow += ipv6 ? 0 : number << 8;
                }
                case SOURCE_PORTS -> key.sourcePort += number;
            }
            return key;
        }
    }

    /** A request for {@code count} addresses, of 16 ports or of none. */
    private static NatRequest request(
            Kind kind, boolean ipv6, int count, boolean ports, boolean persistent, Choice choice) {
        long high = ipv6 ? 0x2001_0db8_0001_0000L : 0;
        long low = ipv6 ? 1 : 0x0a00_0101;
        return new NatRequest(
                kind, ipv6, high, low, high, low + count - 1, ports ? 5000 : 0, ports ? 5015 : 0, persistent, choice);
    }

    static Stream<NatRequest> requests() {
        List<NatRequest> all = new ArrayList<>();
        for (Kind kind : List.of(Kind.SOURCE, Kind.DESTINATION)) {
            for (Choice choice : Choice.values()) {
                for (int flags = 0; flags < 8; flags++) {
                    for (int count : new int[] {2, 7, 8}) {
                        all.add(request(kind, (flags & 1) != 0, count, (flags & 2) != 0, (flags & 4) != 0, choice));
                    }
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("requests")
    void natSpreadsOverAddressesAndPorts(NatRequest request) {
        int addresses = (int) (request.maxLow() - request.minLow()) + 1;
        for (Counting counting : Counting.values()) {
            boolean oneClient = counting == Counting.SOURCE_PORTS;
            if (!request.persistent() || !oneClient) {
                assertSpread(request, counting, addresses, key -> (int) (address(request, key) - request.minLow()));
            }
            if (request.hasPorts()) {
                assertSpread(request, counting, 16, key -> port(request, key) - request.minPort());
            }
        }
    }

    private static long address(NatRequest request, TupleKey reply) {
        return request.kind() == Kind.SOURCE ? reply.destinationLow : reply.sourceLow;
    }

    private static int port(NatRequest request, TupleKey reply) {
        return request.kind() == Kind.SOURCE ? reply.destinationPort : reply.sourcePort;
    }

    private void assertSpread(NatRequest request, Counting counting, int bins, ToIntFunction<TupleKey> bin) {
        int[] counts = new int[bins];
        for (int i = 0; i < CHOICES; i++) {
            assertThat(search.find(counting.tuple(i, request.ipv6(), IpProtocols.TCP), request, reply))
                    .isTrue();
            counts[bin.applyAsInt(reply)]++;
        }
        assertThat(chiSquare(counts)).as("seed %d, %s", seed, counting).isLessThan(bound(bins));
    }

    static Stream<String> tuples() {
        return Stream.of(Counting.values()).flatMap(counting -> Stream.of(counting + " 4", counting + " 6"));
    }

    /** Buckets of the index are chosen by the lower half of the hash, stripes and tags by the upper one. */
    @ParameterizedTest
    @MethodSource("tuples")
    void bothHalvesOfATuplesHashAreSpread(String what) {
        String[] words = what.split(" ");
        int bins = 1 << BITS_OF_BUCKET;
        for (int shift : new int[] {32 - BITS_OF_BUCKET, 32, 64 - BITS_OF_BUCKET}) {
            int[] counts = new int[bins];
            for (int i = 0; i < CHOICES; i++) {
                TupleKey key = Counting.valueOf(words[0]).tuple(i, words[1].equals("6"), IpProtocols.UDP);
                tupleHash.foldAndHash(key);
                counts[(int) (key.hash >>> shift) & bins - 1]++;
            }
            assertThat(chiSquare(counts)).as("bits from %d on", shift).isLessThan(bound(bins));
        }
    }

    private static double chiSquare(int[] counts) {
        double expected = (double) CHOICES / counts.length;
        double sum = 0;
        for (int count : counts) {
            sum += (count - expected) * (count - expected) / expected;
        }
        return sum;
    }

    /** Of so many things: the sum's mean is one less, its variance twice that. */
    private static double bound(int bins) {
        return bins - 1 + 30 * Math.sqrt(2.0 * (bins - 1));
    }
}
