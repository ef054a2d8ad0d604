package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NatSearchTest {
    private static final int[] PROTOCOLS = {6, 17, 132, 136, 47, 1, 58};
    /** How many of them have ports or nothing, and no identifiers. */
    private static final int PORTED_OR_BARE = 5;

    private static final long CLIENT = 0x0a01_0101L;
    private static final long SERVER = 0x0a01_0102L;
    private static final long NAT = 0x0a01_01f0L;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final Set<Tuple> taken = new HashSet<>();
    private final NatHash hash = new NatHash(random.nextLong(), random.nextLong());
    private int tried;
    private final NatSearch search = new NatSearch(hash, new SplittableRandom(seed), this::isFree);
    private final TupleKey reply = new TupleKey();

    private record Tuple(
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            long destinationHigh,
            long destinationLow,
            int destinationPort,
            int kind) {

        static Tuple of(TupleKey key) {
            return new Tuple(
                    key.sourceHigh,
                    key.sourceLow,
                    key.sourcePort,
                    key.destinationHigh,
                    key.destinationLow,
                    key.destinationPort,
                    key.kind);
        }
    }

    private boolean isFree(TupleKey key) {
        tried++;
        return !taken.contains(Tuple.of(key));
    }

    // ---- against a naive search ----

    @Test
    void smallRangesAreFoundAndExhaustedExactlyAsByANaiveSearch() {
        int exhausted = 0;
        for (int turn = 0; turn < 4_000; turn++) {
            taken.clear();
            TupleKey original = original(random.nextBoolean(), PROTOCOLS[random.nextInt(PORTED_OR_BARE)]);
            NatRequest request = smallRange(original);
            Set<Tuple> candidates = candidates(original, request);
            // Where DNAT finds the ports of an address exhausted, it goes on with other source ports, which are many.
            boolean closed = request.kind() == Kind.SOURCE || !request.hasPorts();
            double density = random.nextInt(3) == 0 ? 1 : random.nextDouble();
            for (Tuple candidate : candidates) {
                if (random.nextDouble() < density) {
                    taken.add(candidate);
                }
            }
            String what = "seed " + seed + " turn " + turn + " " + request;
            boolean anyFree = !taken.containsAll(candidates);
            boolean found = search.find(original, request, reply);
            assertThat(found).as(what).isEqualTo(anyFree || !closed);
            if (found) {
                assertThat(taken).as(what).doesNotContain(Tuple.of(reply));
            }
            if (found) {
                reply.destinationPort = closed ? reply.destinationPort : original.sourcePort;
                assertThat(candidates).as(what).contains(Tuple.of(reply));
            }
            exhausted += found ? 0 : 1;
        }
        assertThat(exhausted).isPositive();
    }

    /**
     * Ranges that are searched whole: one sender port class never is, so there is always a port range where ports
     * count.
     */
    private NatRequest smallRange(TupleKey original) {
        boolean ipv6 = EntryLayout.ipv6(original.kind);
        boolean ports = original.sourcePort != 0;
        int addresses = 1 + random.nextInt(4);
        long low = ipv6 ? -random.nextInt(5) : NAT;
        long high = ipv6 ? 0x2001_0db8_0000_0000L : 0;
        BigInteger first = unsigned(high).shiftLeft(64).add(unsigned(low));
        BigInteger last = first.add(BigInteger.valueOf(addresses - 1));
        int minPort = ports ? 1 + random.nextInt(60_000) : 0;
        int maxPort = ports ? minPort + random.nextInt(40) : 0;
        Kind kind = random.nextBoolean() ? Kind.SOURCE : Kind.DESTINATION;
        return new NatRequest(
                kind,
                ipv6,
                high,
                low,
                last.shiftRight(64).longValue(),
                last.longValue(),
                minPort,
                maxPort,
                false,
                Choice.values()[random.nextInt(3)]);
    }

    private static Set<Tuple> candidates(TupleKey original, NatRequest request) {
        Set<Tuple> all = new HashSet<>();
        BigInteger last = unsigned(request.maxHigh()).shiftLeft(64).add(unsigned(request.maxLow()));
        for (BigInteger address = unsigned(request.minHigh()).shiftLeft(64).add(unsigned(request.minLow()));
                address.compareTo(last) <= 0;
                address = address.add(BigInteger.ONE)) {
            long high = address.shiftRight(64).longValue();
            long low = address.longValue();
            for (int port = request.minPort(); port <= request.maxPort(); port++) {
                boolean source = request.kind() == Kind.SOURCE;
                all.add(
                        source
                                ? new Tuple(
                                        original.destinationHigh,
                                        original.destinationLow,
                                        original.destinationPort,
                                        high,
                                        low,
                                        port,
                                        original.kind)
                                : new Tuple(
                                        high,
                                        low,
                                        port,
                                        original.sourceHigh,
                                        original.sourceLow,
                                        original.sourcePort,
                                        original.kind));
            }
        }
        return all;
    }

    private static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    /** Ports are 0 where none are tracked. */
    private TupleKey original(boolean wide, int protocol) {
        boolean ipv6 = protocol == 58 || wide && protocol != 1;
        boolean icmp = protocol == 1 || protocol == 58;
        TupleKey key = new TupleKey();
        key.sourceHigh = ipv6 ? random.nextLong() : 0;
        key.sourceLow = ipv6 ? random.nextLong() : random.nextInt() & 0xffff_ffffL;
        key.destinationHigh = ipv6 ? random.nextLong() : 0;
        key.destinationLow = ipv6 ? random.nextLong() : random.nextInt() & 0xffff_ffffL;
        boolean ports = protocol != 47 && protocol != 136;
        key.sourcePort = ports ? 1 + random.nextInt(0xffff) : 0;
        key.destinationPort = icmp ? key.sourcePort : ports ? 1 + random.nextInt(0xffff) : 0;
        key.kind = EntryLayout.kind(random.nextInt(0x10000), protocol, 0, ipv6);
        return key;
    }

    // ---- where the search begins ----

    @Test
    void hashedChoicesAreTheSameForTheSameTupleOnEveryThread() {
        NatSearch another = new NatSearch(hash, new SplittableRandom(), key -> true);
        TupleKey other = new TupleKey();
        Set<Long> addresses = new HashSet<>();
        for (int turn = 0; turn < 1_000; turn++) {
            TupleKey original = original(false, 6);
            NatRequest request = source(NAT, NAT + 1000, 1, 65535, false, turn % 2 == 0 ? Choice.DEFAULT : Choice.HASH);
            assertThat(search.find(original, request, reply)).isTrue();
            assertThat(another.find(original, request, other)).isTrue();
            assertThat(Tuple.of(other)).isEqualTo(Tuple.of(reply));
            addresses.add(reply.destinationLow);
        }
        assertThat(addresses).as("seed %d", seed).hasSizeGreaterThan(500); // of 1001, about 630
    }

    @Test
    void aPersistentAddressDependsOnTheSourceAloneAndNotOnTheKey() {
        NatSearch afterRestart =
                new NatSearch(new NatHash(random.nextLong(), random.nextLong()), new SplittableRandom(), key -> true);
        NatRequest request = source(NAT, NAT + 1000, 0, 0, true, Choice.RANDOM);
        Set<Long> addresses = new HashSet<>();
        for (int client = 0; client < 100; client++) {
            TupleKey original = original(false, 6);
            original.kind = EntryLayout.kind(3, 6, 0, false);
            assertThat(search.find(original, request, reply)).isTrue();
            long address = reply.destinationLow;
            addresses.add(address);
            for (int turn = 0; turn < 20; turn++) {
                original.destinationLow = random.nextInt() & 0xffff_ffffL;
                original.sourcePort = 1 + random.nextInt(0xffff);
                original.destinationPort = 1 + random.nextInt(0xffff);
                original.kind = EntryLayout.kind(3, turn % 3 == 0 ? 17 : 6, 0, false);
                assertThat((turn % 2 == 0 ? search : afterRestart).find(original, request, reply))
                        .isTrue();
                assertThat(reply.destinationLow).isEqualTo(address);
            }
        }
        assertThat(addresses).as("seed %d", seed).hasSizeGreaterThan(70); // of 1001, about 95
    }

    @Test
    void aPersistentAddressIsKeptEvenIfThatMeansExhaustion() {
        NatRequest request = source(NAT, NAT + 9, 7, 8, true, Choice.DEFAULT);
        TupleKey original = original(false, 17);
        for (int i = 0; i < 2; i++) {
            assertThat(search.find(original, request, reply)).isTrue();
            taken.add(Tuple.of(reply));
        }
        assertThat(search.find(original, request, reply)).isFalse();
    }

    @Test
    void choicesSpreadOverAddressesAndPorts() {
        for (Choice choice : Choice.values()) {
            Map<Long, Integer> addresses = new HashMap<>();
            Map<Integer, Integer> ports = new HashMap<>();
            TupleKey original = original(false, 6);
            for (int i = 0; i < 16_000; i++) {
                original.sourcePort = 1 + i;
                assertThat(search.find(original, source(NAT, NAT + 15, 5000, 5015, false, choice), reply))
                        .isTrue();
                addresses.merge(reply.destinationLow, 1, Integer::sum);
                ports.merge(reply.destinationPort, 1, Integer::sum);
            }
            // 1000 each are expected, with a standard deviation of 31.
            assertThat(addresses)
                    .as("seed %d %s", seed, choice)
                    .hasSize(16)
                    .allSatisfy((address, times) -> assertThat(times).isBetween(800, 1200));
            assertThat(ports)
                    .as("seed %d %s", seed, choice)
                    .hasSize(16)
                    .allSatisfy((port, times) -> assertThat(times).isBetween(800, 1200));
        }
    }

    @Test
    void randomPortsDifferFromOneTimeToTheNext() {
        Set<Integer> ports = new HashSet<>();
        TupleKey original = original(false, 6);
        for (int i = 0; i < 50; i++) {
            assertThat(search.find(original, source(NAT, NAT, 1024, 65535, false, Choice.RANDOM), reply))
                    .isTrue();
            ports.add(reply.destinationPort);
        }
        assertThat(ports).hasSizeGreaterThan(40);
    }

    // ---- ports without a range ----

    @Test
    void withoutAPortRangeTheSendersPortStaysWhileItIsFree() {
        TupleKey original = tcp(CLIENT, 4000, SERVER, 80);
        assertThat(search.find(original, source(NAT, NAT, 0, 0, false, Choice.RANDOM), reply))
                .isTrue();
        assertThat(Tuple.of(reply)).isEqualTo(new Tuple(0, SERVER, 80, 0, NAT, 4000, original.kind));
    }

    @Test
    void aTakenPortIsReplacedByOneOfItsClass() {
        int[][] classes = {
            {1, 1, 511},
            {511, 1, 511},
            {512, 600, 1023},
            {599, 600, 1023},
            {1023, 600, 1023},
            {1024, 1024, 65535},
            {65535, 1024, 65535}
        };
        for (int[] portClass : classes) {
            taken.clear();
            TupleKey original = tcp(CLIENT, portClass[0], SERVER, 80);
            taken.add(new Tuple(0, SERVER, 80, 0, NAT, portClass[0], original.kind));
            for (int i = 0; i < 100; i++) {
                assertThat(search.find(original, source(NAT, NAT, 0, 0, false, Choice.DEFAULT), reply))
                        .isTrue();
                assertThat(reply.destinationPort).isBetween(portClass[1], portClass[2]);
                assertThat(taken.add(Tuple.of(reply))).isTrue();
            }
        }
    }

    @Test
    void allZeroSnatKeepsTheAddressAndGivesWayToATakenPort() {
        TupleKey original = tcp(CLIENT, 4000, SERVER, 80);
        NatRequest request = source(0, 0, 0, 0, false, Choice.DEFAULT);
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(Tuple.of(reply)).isEqualTo(new Tuple(0, SERVER, 80, 0, CLIENT, 4000, original.kind));
        taken.add(Tuple.of(reply));
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(Tuple.of(reply)).isEqualTo(new Tuple(0, SERVER, 80, 0, CLIENT, 4001, original.kind));
    }

    @Test
    void dnatKeepsTheDestinationPortAndTranslatesTheSourcePortIfItMust() {
        TupleKey original = tcp(CLIENT, 4000, NAT, 80);
        NatRequest request = new NatRequest(Kind.DESTINATION, false, 0, SERVER, 0, SERVER, 0, 0, false, Choice.DEFAULT);
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(Tuple.of(reply)).isEqualTo(new Tuple(0, SERVER, 80, 0, CLIENT, 4000, original.kind));
        taken.add(Tuple.of(reply));
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(Tuple.of(reply)).isEqualTo(new Tuple(0, SERVER, 80, 0, CLIENT, 4001, original.kind));
    }

    @Test
    void dnatWithItsPortsExhaustedTranslatesTheSourcePortToo() {
        TupleKey original = tcp(CLIENT, 4000, NAT, 80);
        NatRequest request =
                new NatRequest(Kind.DESTINATION, false, 0, SERVER, 0, SERVER, 8080, 8081, false, Choice.DEFAULT);
        Set<Integer> ports = new HashSet<>();
        for (int i = 0; i < 2; i++) {
            assertThat(search.find(original, request, reply)).isTrue();
            assertThat(reply.destinationPort).isEqualTo(4000);
            ports.add(reply.sourcePort);
            taken.add(Tuple.of(reply));
        }
        assertThat(ports).containsExactlyInAnyOrder(8080, 8081);
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(reply.sourcePort).isBetween(8080, 8081);
        assertThat(reply.destinationPort).isEqualTo(4001);
    }

    // ---- ICMP ----

    @Test
    void icmpIdentifiersAreTranslatedAtBothEndsOfTheTuple() {
        TupleKey original = icmp(1, false, 77);
        NatRequest request = source(NAT, NAT, 0, 0, false, Choice.DEFAULT);
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(reply.sourcePort).isEqualTo(reply.destinationPort).isEqualTo(77);
        taken.add(Tuple.of(reply));
        assertThat(search.find(original, request, reply)).isTrue();
        assertThat(reply.sourcePort).isEqualTo(reply.destinationPort).isEqualTo(78);
    }

    /** Whatever the range of ports: the identifier stays, and gives way if it must until all of them are taken. */
    @ParameterizedTest
    @CsvSource({"1, SOURCE", "1, DESTINATION", "58, SOURCE", "58, DESTINATION"})
    void anIdentifierIsNotTakenFromARangeOfPortsButGivesWay(int protocol, Kind kind) {
        boolean ipv6 = protocol == 58;
        long high = ipv6 ? 0x2001_0db8_0000_0000L : 0;
        NatRequest request = new NatRequest(kind, ipv6, high, SERVER, high, SERVER, 500, 500, false, Choice.DEFAULT);
        for (int id : new int[] {0, 1, 511, 512, 2000, 0xffff}) {
            taken.clear();
            TupleKey original = icmp(protocol, ipv6, id);
            for (int turn = 0; turn < 1000; turn++) {
                assertThat(search.find(original, request, reply)).isTrue();
                assertThat(reply.sourcePort).isEqualTo(reply.destinationPort);
                assertThat(turn > 0 || reply.sourcePort == id)
                        .as("%d became %d", id, reply.sourcePort)
                        .isTrue();
                assertThat(kind == Kind.SOURCE ? reply.destinationLow : reply.sourceLow)
                        .isEqualTo(SERVER);
                assertThat(taken.add(Tuple.of(reply))).isTrue();
            }
        }
    }

    // ---- bounds ----

    @Test
    void exhaustionIsFoundWithinTheBound() {
        int[] most = new int[1];
        NatSearch hopeless = new NatSearch(hash, new SplittableRandom(seed), key -> {
            most[0]++;
            return false;
        });
        for (int turn = 0; turn < 2_000; turn++) {
            most[0] = 0;
            TupleKey original = original(random.nextBoolean(), PROTOCOLS[random.nextInt(PROTOCOLS.length)]);
            boolean ipv6 = EntryLayout.ipv6(original.kind);
            int minPort = random.nextInt(0x10000);
            NatRequest request = new NatRequest(
                    random.nextBoolean() ? Kind.SOURCE : Kind.DESTINATION,
                    ipv6,
                    0,
                    ipv6 ? 1 : random.nextInt(2),
                    ipv6 ? random.nextInt(3) : 0,
                    0xffff_ffffL,
                    minPort,
                    minPort == 0 ? 0 : minPort + random.nextInt(0x10000 - minPort),
                    random.nextBoolean(),
                    Choice.values()[random.nextInt(3)]);
            assertThat(hopeless.find(original, request, reply)).isFalse();
            assertThat(most[0]).as("seed %d %s", seed, request).isBetween(1, NatSearch.MAX_STEPS);
        }
    }

    @Test
    void oneAddressWithoutPortRangeIsGivenUpAfterTheStepsOfARange() {
        TupleKey original = tcp(CLIENT, 4000, SERVER, 80);
        for (int port = 1024; port < 65536; port++) {
            taken.add(new Tuple(0, SERVER, 80, 0, NAT, port, original.kind));
        }
        assertThat(search.find(original, source(NAT, NAT, 0, 0, false, Choice.DEFAULT), reply))
                .isFalse();
        assertThat(tried).isEqualTo(NatSearch.MAX_STEPS_PER_PORT_RANGE);
    }

    @Test
    void anAddressIsPickedInRangesOfAllSizes() {
        long[][] ranges = {
            {0, 1, 0, 0xffff_fffeL}, {0, 5, 7, 3}, {1, -1, 2, 0}, {3, -3, 4, 100}, {-1, -2, -1, -1}, {0, 1, -1, -1}
        };
        for (long[] range : ranges) {
            NatRequest request = new NatRequest(
                    Kind.SOURCE, true, range[0], range[1], range[2], range[3], 0, 0, false, Choice.DEFAULT);
            BigInteger first = unsigned(range[0]).shiftLeft(64).add(unsigned(range[1]));
            BigInteger last = unsigned(range[2])
                    .shiftLeft(64)
                    .add(unsigned(range[3]))
                    .min(first.add(BigInteger.valueOf(0xffff_fffeL)));
            Set<BigInteger> seen = new HashSet<>();
            for (int i = 0; i < 200; i++) {
                TupleKey original = original(true, 17);
                assertThat(search.find(original, request, reply)).isTrue();
                assertThat(unsigned(reply.destinationHigh).shiftLeft(64).add(unsigned(reply.destinationLow)))
                        .isBetween(first, last);
                seen.add(unsigned(reply.destinationHigh).shiftLeft(64).add(unsigned(reply.destinationLow)));
            }
            BigInteger count = last.subtract(first).add(BigInteger.ONE);
            assertThat(seen)
                    .as("seed %d", seed)
                    .hasSizeGreaterThanOrEqualTo(
                            count.min(BigInteger.valueOf(40)).intValueExact());
        }
    }

    @Test
    void aRangeOfTheOtherFamilyHasNothingToOffer() {
        assertThat(search.find(icmp(58, true, 1), source(NAT, NAT, 0, 0, false, Choice.DEFAULT), reply))
                .isFalse();
        assertThat(tried).isZero();
    }

    @Test
    void searchingAllocatesNothing() {
        NatSearch hopeless = new NatSearch(hash, new SplittableRandom(seed), key -> false);
        TupleKey original = tcp(CLIENT, 4000, SERVER, 80);
        NatRequest request = source(NAT, NAT + 9, 0, 0, false, Choice.RANDOM);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = 0;
        for (int round = 0; round < 2; round++) {
            before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 5_000; i++) {
                hopeless.find(original, request, reply);
            }
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(64 * 1024);
    }

    private static NatRequest source(
            long first, long last, int minPort, int maxPort, boolean persistent, Choice choice) {
        return new NatRequest(Kind.SOURCE, false, 0, first, 0, last, minPort, maxPort, persistent, choice);
    }

    private static TupleKey tcp(long source, int sourcePort, long destination, int destinationPort) {
        TupleKey key = new TupleKey();
        key.sourceLow = source;
        key.sourcePort = sourcePort;
        key.destinationLow = destination;
        key.destinationPort = destinationPort;
        key.kind = EntryLayout.kind(3, 6, 0, false);
        return key;
    }

    private static TupleKey icmp(int protocol, boolean ipv6, int id) {
        TupleKey key = tcp(CLIENT, id, SERVER, id);
        key.kind = EntryLayout.kind(3, protocol, 0, ipv6);
        return key;
    }
}
