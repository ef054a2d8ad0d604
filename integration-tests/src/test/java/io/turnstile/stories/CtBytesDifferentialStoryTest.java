package io.turnstile.stories;

import io.turnstile.lab.LabSwitch;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code ct()} and {@code nat()} in bytes that ovs-ofctl would never send: taken or refused, with the same error, as by
 * ovs-vswitchd.
 */
@Tag("system")
class CtBytesDifferentialStoryTest {
    private static final int MUTATIONS = 1500;
    private static final int NESTED_AT = 24;
    /**
     * Not the subtypes, since Open vSwitch has actions that Turnstile has not; not the ct()'s flags, alg and source of
     * the zone, where Turnstile is the stricter one on purpose.
     */
    private static final IntPredicate MUTABLE =
            at -> !(at >= 8 && at < 16 || at >= 22 && at < NESTED_AT || at >= NESTED_AT + 8 && at < NESTED_AT + 10);

    /** Ether type, IP protocol and actions. */
    private record Case(int etherType, int protocol, String actions) {}

    private static final List<Case> CASES = List.of(
            // --- nat: what may be
            ip("ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0000 0000 ) )"),
            ip("ct( 0001 00000000 0005 01 000000 0000 nat( 0000 0001 0000 ) )"),
            ip("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0001 0001 0a000001 ) )"),
            ip("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0002 0003 0a000001 0a000009 ) )"),
            ip("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 000d 0033 0a000001 0a000009 03e8 07d0 ) )"),
            ip("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0015 0011 0a000001 03e8 ) )"),
            ip("ct( 0003 00000000 0005 ff 000000 0000 nat( 0000 0001 0003 0a000001 0a000001 ) )"),
            ipv6("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0001 0004 fc000000000000000000000000000001 ) )"),
            ipv6("ct( 0001 00000000 0005 ff 000000 0000 nat( 0000 0002 003c fc000000000000000000000000000001"
                    + " fc000000000000000000000000000009 0001 ffff ) )"),
            // --- nat: flags
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0003 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0019 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0018 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0021 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 8001 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0004 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0008 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0015 0000 ) )"),
            ip("ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0001 0000 ) )"),
            ip("ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0004 0000 ) )"),
            // --- nat: ranges
            ip("ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0000 0001 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0000 0001 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0001 00000000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0002 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0003 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0003 0a000009 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0003 7fffffff 80000000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0005 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0009 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 000a 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0006 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0010 03e8 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0020 03e8 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0021 0a000001 03e8 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0011 0a000001 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0031 0a000001 0000 0001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0031 0a000001 03e8 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0031 0a000001 03e8 03e7 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0033 0a000001 0a000002 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0041 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 8000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0001 0a000001 deadbeef ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0000 0a000001 0a000002 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0001 0001 0001 0a000001 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0004 fc000000000000000000000000000001 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0001 0a000001 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0004 00000000000000000000000000000000 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0004 fc0000000000 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0008 fc000000000000000000000000000001 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 000c fc000000000000000000000000000009"
                    + " fc000000000000000000000000000001 ) )"),
            ipv6("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 000c 7c000000000000000000000000000009"
                    + " fc000000000000000000000000000001 ) )"),
            // --- nat: lengths, places
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( ffff 0008 00002320 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( ffff 0010 00002320 0024 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( ffff 000f 00002320 0024 0000 0000 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( ffff 0018 00002320 0024 0000 0000 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( ffff 0000 00002320 0024 0000 0000 0000 ) )"),
            ip("nat( 0000 0000 0000 )"),
            ip("nat( 0000 0001 0001 0a000001 )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0001 0000 ) nat( 0000 0002 0000 ) )"),
            ip("ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0000 0000 ) nat( 0000 0000 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 001f 0001d604 0000000000000005 ) nat( 0000 0001 0000 ) )"),
            // --- ct itself
            ip("ct( 0000 00000000 0000 ff 000000 0000 )"),
            ip("ct( 0002 00000000 0000 ff 000000 0000 )"),
            ip("ct( 0003 00000000 ffff 00 000000 0000 )"),
            ip("ct( 0001 00000000 0000 fe 000000 0000 )"),
            ip("ct( 0001 00000000 0000 ff 010000 0000 )"),
            ip("ct( 0001 00000000 0000 ff 000001 0000 )"),
            ip("raw( ffff 0010 00002320 0023 0001 00000000 )"),
            ip("raw( ffff 0018 00002320 0023 0001 00000000 0000 ff 000000 )"),
            ip("ct( 0001 00010004 000f ff 000000 0000 )"),
            ip("ct( 0001 00010004 040f ff 000000 0000 )"),
            ip("ct( 0001 00010004 000e ff 000000 0000 )"),
            ip("ct( 0001 00010004 0010 ff 000000 0000 )"),
            ip("ct( 0001 00010004 044f ff 000000 0000 )"),
            ip("ct( 0001 00010104 000f ff 000000 0000 )"),
            ip("ct( 0001 00010108 000f ff 000000 0000 )"),
            ip("ct( 0001 0001fe04 000f ff 000000 0000 )"),
            ip("ct( 0001 12345604 000f ff 000000 0000 )"),
            ip("ct( 0001 0001d402 000f ff 000000 0000 )"),
            ip("ct( 0001 0001d204 000f ff 000000 0000 )"),
            ip("ct( 0001 0001d604 040f ff 000000 0000 )"),
            ip("ct( 0001 00001202 000f ff 000000 0000 )"),
            tcp("ct( 0001 00001202 000f ff 000000 0000 )"),
            ip("ct( 0001 00000001 000f ff 000000 0000 )"),
            // --- alg
            tcp("ct( 0001 00000000 0000 ff 000000 0015 )"),
            tcp("ct( 0000 00000000 0000 ff 000000 0015 )"),
            ip("ct( 0001 00000000 0000 ff 000000 0015 )"),
            udp("ct( 0001 00000000 0000 ff 000000 0015 )"),
            udp("ct( 0001 00000000 0000 ff 000000 0045 )"),
            tcp("ct( 0001 00000000 0000 ff 000000 0045 )"),
            new Case(0x806, 0, "ct( 0001 00000000 0000 ff 000000 0000 )"),
            new Case(0x806, 0, "ct( 0001 00000000 0000 ff 000000 0000 nat( 0000 0000 0000 ) )"),
            // --- nested
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 001f 0001d604 0000000000000005 ) )"),
            ip("ct( 0000 00000000 0000 ff 000000 0000 load( 001f 0001d604 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 0007 0001d604 0000000000000100 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 003f 0001d810 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 103f 0001d810 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 107f 0001d810 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 001f 00010004 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 load( 000f 0001d402 0000000000000005 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0020 0000 0000 00010004 0001d604 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0020 0000 0000 00000e04 0001d604 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0010 0000 0000 00001202 0001d604 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0020 0000 0000 0001d604 00010004 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0021 0000 0000 00010004 0001d604 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 move( 0000 0000 0000 00010004 0001d604 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 clear( 000000000000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 note( 010203 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 resubmit( 0001 00 000000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 ct( 0001 00000000 0000 ff 000000 0000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 ct( 0000 00000000 0000 ff 000000 0000 nat( 0000 0000 0000 ) ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 raw( 0000 0008 0001 0000 ) )"),
            ip("load( 001f 0001d604 0000000000000005 )"),
            ip("move( 0020 0000 0000 00010004 0001d604 )"),
            ip("move( 0010 0000 0000 0001d402 00010004 )"),
            ip("move( 0020 0000 0000 0001d204 00010004 )"),
            ip("move( 0020 0000 0000 00010004 0001d204 )"),
            // The connection's fields, in flows that say nothing of a connection.
            ip("move( 0020 0000 0000 0001f004 00010004 )"),
            ip("move( 0010 0000 0000 0001f802 00010004 )"),
            ip("move( 0080 0000 0000 0001f410 0001de10 )"),
            ip("ct( 0001 0001f802 000f ff 000000 0000 )"),
            ip("clear( 000000000000 )"),
            ip("clear( 000000000001 )"),
            ip("clear( 000000000000 0000000000000000 )"),
            // --- around it: lengths, and which OpenFlow has which
            ip("resubmit( 0001 00 000000 )"),
            ip("resubmit( 0001 00 000000 0000000000000000 )"),
            ip("load( 001f 00010004 0000000000000005 0000000000000000 )"),
            ip("load( 003f 00010004 0000000000000005 )"),
            ip("load( 001f 0001d204 0000000000000005 )"),
            ip("move( 0020 0000 0000 00010004 00010204 0000000000000001 )"),
            ip("move( 0020 0000 0000 00010004 00010204 0000000000000000 )"),
            ip("move( 0020 0000 0000 00010104 00010204 )"),
            ip("move( 0020 0000 0000 00010108 00010204 )"),
            ip("move( 0020 0000 0000 00010004 )"),
            ip("move( 0020 0000 0000 12345604 00010204 )"),
            ip("load( 001f 00010108 0000000000000005 )"),
            ip("load( 001f 00010104 0000000000000005 )"),
            ip("load( 001f 12345604 0000000000000005 )"),
            ip("push( 0000 00010108 0020 000000000000 )"),
            ip("push( 0000 12345604 0020 000000000000 )"),
            ip("raw( ffff 0011 00001234 0000 000000000000 )"),
            ip("raw( ffff 0011 00002320 7777 000000000000 )"),
            ip("move( 0021 0000 0000 00010004 00010204 )"),
            ip("move( 0020 0001 0000 00010004 00010204 )"),
            ip("ttl( 000000000000 )"),
            ip("ttl( 000000000000 0000000000000000 )"),
            ip("exit( 000000000000 )"),
            ip("exit( 000000000001 )"),
            ip("exit( 000000000000 0000000000000000 )"),
            ip("queue( 0000 00000005 )"),
            ip("queue( 0001 00000005 )"),
            ip("queue( 0000 00000005 0000000000000000 )"),
            ip("popqueue( 000000000000 )"),
            ip("raw( 0015 0008 00000005 )"),
            ip("raw( 0015 0010 00000005 0000000000000000 )"),
            ip("raw( 0015 0000 00000005 )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 exit( 000000000000 ) )"),
            ip("ct( 0001 00000000 0000 ff 000000 0000 queue( 0000 00000005 ) )"),
            ip("push( 0000 00010004 0020 000000000000 )"),
            ip("push( 0000 00010004 0020 000000000001 )"),
            ip("push( 0000 00010004 0021 000000000000 )"),
            ip("push( 0000 0001d204 0020 000000000000 )"),
            ip("pop( 0000 0001d204 0020 000000000000 )"),
            ip("pop( 0000 00010004 0020 000000000000 0000000000000000 )"));

    /** Mutations begin with what may be. */
    private static final int FIRST_VALID_CASES = 9;

    private static Differential both;

    private static Case ip(String actions) {
        return new Case(0x800, 0, actions);
    }

    private static Case tcp(String actions) {
        return new Case(0x800, 6, actions);
    }

    private static Case udp(String actions) {
        return new Case(0x800, 17, actions);
    }

    private static Case ipv6(String actions) {
        return new Case(0x86dd, 0, actions);
    }

    @BeforeAll
    static void start() {
        both = Differential.start("ctbytes");
        both.bridge("br0", 1);
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 6})
    void whatIsWrittenByHandIsTakenAlike(int version) {
        List<byte[]> messages = new ArrayList<>();
        for (Case one : CASES) {
            messages.add(ActionBytes.addFlow(version, one.etherType, one.protocol, ActionBytes.actions(one.actions)));
        }
        compare(version, messages, i -> CASES.get(i).toString());
        both.assertSame();
    }

    /** {@code -Dct.bytes.seed=N} mutates otherwise. */
    @ParameterizedTest
    @ValueSource(ints = {1, 4, 6})
    void mutatedActionsAreTakenAlike(int version) {
        long seed = Long.getLong("ct.bytes.seed", 1);
        Random random = new Random(seed);
        List<byte[]> actions = new ArrayList<>();
        List<byte[]> messages = new ArrayList<>();
        while (messages.size() < MUTATIONS) {
            Case one = CASES.get(random.nextInt(FIRST_VALID_CASES));
            byte[] bytes = mutated(ActionBytes.actions(one.actions), random);
            actions.add(bytes);
            messages.add(ActionBytes.addFlow(version, one.etherType, one.protocol, bytes));
        }
        compare(version, messages, i -> "seed " + seed + ": " + HexFormat.of().formatHex(actions.get(i)));
        both.assertSame();
    }

    /** Mostly inside the nat(), so that there is something to read. */
    private static byte[] mutated(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            int at = random.nextInt(8) == 0
                    ? random.nextInt(bytes.length)
                    : NESTED_AT + 10 + random.nextInt(bytes.length - NESTED_AT - 10);
            if (MUTABLE.test(at)) {
                bytes[at] = (byte) (random.nextBoolean() ? bytes[at] ^ 1 << random.nextInt(8) : random.nextInt(256));
            }
        }
        return bytes;
    }

    private static void compare(int version, List<byte[]> messages, IntFunction<String> shown) {
        both.ofctl("del-flows br0");
        List<String> their = answers(both.theirs(), version, messages);
        List<String> our = answers(both.ours(), version, messages);
        for (int i = 0; i < messages.size(); i++) {
            both.compare("OpenFlow version " + version + ", " + shown.apply(i), their.get(i), our.get(i));
        }
        for (String protocol : List.of("OpenFlow10", "OpenFlow13", "OpenFlow15")) {
            both.ofctlSorted("-O " + protocol + " --no-stats dump-flows br0");
        }
    }

    private static List<String> answers(LabSwitch sw, int version, List<byte[]> messages) {
        try (ManagementConnection connection =
                new ManagementConnection(sw.runDirectory().resolve("br0.mgmt"), version)) {
            return messages.stream().map(connection::ask).toList();
        }
    }
}
