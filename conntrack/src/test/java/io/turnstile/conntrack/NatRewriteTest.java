package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.conntrack.NatFrames.Content;
import io.turnstile.conntrack.NatFrames.Ends;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A translated packet is, byte for byte, the packet built with the translated tuple. */
class NatRewriteTest {
    private static final int PADDING_BYTES = 6;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);

    @Test
    void everyProtocolIsTranslatedWithItsSumsRight() {
        for (int turn = 0; turn < 20_000; turn++) {
            boolean ipv6 = random.nextBoolean();
            int protocol = protocol(ipv6);
            Content content = Content.random(random);
            Ends from = Ends.random(random, ipv6, protocol);
            Ends to = translated(from);
            Packet packet = NatFrames.packet(NatFrames.ip(from, content), PADDING_BYTES);
            packet.setChecksumState(random.nextBoolean() ? ChecksumState.UNVERIFIED : ChecksumState.GOOD);
            ChecksumState state = packet.checksumState();

            direct(packet, to);

            assertThat(packet.toBytes())
                    .as("seed %d turn %d protocol %d", seed, turn, protocol)
                    .isEqualTo(NatFrames.packet(NatFrames.ip(to, content), PADDING_BYTES)
                            .toBytes());
            assertThat(packet.checksumState()).isEqualTo(state);
        }
    }

    @Test
    void aSumLeftOpenStaysOpenAndIsRightOnceCompleted() {
        for (int turn = 0; turn < 5_000; turn++) {
            boolean ipv6 = random.nextBoolean();
            Content content = withSumAndUnrouted(Content.random(random));
            Ends from = Ends.random(random, ipv6, random.nextBoolean() ? 6 : 17);
            Ends to = translated(from);
            Packet packet = NatFrames.packet(NatFrames.ip(from, content), 0);
            int l4 = packet.l4Offset();
            int field = l4 + NatFrames.sumOffset(from.protocol());
            packet.putU16(
                    field, InternetChecksum.fold(InternetChecksum.pseudoHeader(packet, packet.l3EndOffset() - l4)));
            packet.setPartialChecksum(l4, field);
            packet.setSegmentBytes(random.nextBoolean() ? 8 : 0);

            direct(packet, to);

            assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            InternetChecksum.complete(packet);
            byte[] expected = NatFrames.packet(NatFrames.ip(to, content), 0).toBytes();
            // Zero and all ones are the same number; who completes a sum of TCP may choose.
            if (packet.u16(field) == 0xffff) {
                Arrays.fill(expected, field, field + 2, (byte) 0xff);
            }
            assertThat(packet.toBytes()).as("seed %d turn %d", seed, turn).isEqualTo(expected);
        }
    }

    @Test
    void aSumThatWasWrongStaysWrong() {
        for (int turn = 0; turn < 5_000; turn++) {
            boolean ipv6 = random.nextBoolean();
            int protocol = protocol(ipv6);
            if (protocol == 47) {
                continue;
            }
            Content content = withSumAndUnrouted(Content.random(random));
            Ends from = Ends.random(random, ipv6, protocol);
            Ends to = translated(from);
            Packet packet = NatFrames.packet(NatFrames.ip(from, content), 0);
            int sum = packet.l4Offset() + (protocol == 132 ? 8 : NatFrames.sumOffset(protocol));
            packet.putU16(sum, packet.u16(sum) ^ 0x0100);
            if (packet.u16(sum) == 0) {
                continue; // UDP: now it has none.
            }
            packet.setChecksumState(ChecksumState.BAD);

            direct(packet, to);

            byte[] right = NatFrames.packet(NatFrames.ip(to, content), 0).toBytes();
            byte[] got = packet.toBytes();
            assertThat(Arrays.copyOfRange(got, sum, sum + 2))
                    .as("seed %d turn %d protocol %d", seed, turn, protocol)
                    .isNotEqualTo(Arrays.copyOfRange(right, sum, sum + 2));
            System.arraycopy(right, sum, got, sum, 2);
            assertThat(got).isEqualTo(right);
        }
    }

    @Test
    void protocolsWithoutTrackedPortsKeepTheirs() {
        for (int protocol : new int[] {33, 136}) {
            for (int turn = 0; turn < 100; turn++) {
                boolean ipv6 = random.nextBoolean();
                Content content = Content.random(random);
                Ends from = Ends.random(random, ipv6, protocol);
                Ends other = Ends.random(random, ipv6, protocol);
                Ends to = new Ends(
                        ipv6, protocol, other.source(), from.sourcePort(), other.destination(), from.destinationPort());
                Packet packet = NatFrames.packet(NatFrames.ip(from, content), 0);
                Tuple leaving = tuple(to);
                leaving.setJoinedPorts(0);
                NatRewrite.direct(packet, leaving);
                assertThat(packet.toBytes())
                        .isEqualTo(
                                NatFrames.packet(NatFrames.ip(to, content), 0).toBytes());
            }
        }
    }

    @Test
    void laterFragmentsGetTheAddressesOnly() {
        Content content = new Content(new byte[0], false, false, new byte[20], new byte[40]);
        Ends from = Ends.random(random, false, 17);
        Ends to = translated(from);
        byte[] fragment = NatFrames.ip(from, content);
        byte[] expected = NatFrames.ip(to, content);
        for (byte[] ip : new byte[][] {fragment, expected}) {
            ip[7] = 5; // Offset 40; the header's sum must follow.
            ip[6] = 0;
            int sum = ((ip[10] & 0xff) << 8 | ip[11] & 0xff) + 0x4000 - 5;
            sum = (sum & 0xffff) + (sum >>> 16);
            ip[10] = (byte) (sum >>> 8);
            ip[11] = (byte) sum;
            assertThat(NatFrames.sum(ip, 0, 20, 0)).isEqualTo(0xffff);
        }
        System.arraycopy(fragment, 20, expected, 20, fragment.length - 20);
        Packet packet = NatFrames.packet(fragment, 0);
        direct(packet, to);
        assertThat(packet.toBytes()).isEqualTo(NatFrames.packet(expected, 0).toBytes());
    }

    // ---- ICMP errors ----

    @Test
    void errorsAreTranslatedWithWhatTheyQuoteHoweverMuchThatIs() {
        for (int turn = 0; turn < 20_000; turn++) {
            boolean ipv6 = random.nextBoolean();
            int protocol = protocol(ipv6);
            Content content = Content.random(random);
            Ends sent = Ends.random(random, ipv6, protocol);
            boolean sourceOfError = random.nextBoolean();
            Ends back = retranslated(sent, !sourceOfError);
            byte[] quoted = NatFrames.ip(sent, content);
            byte[] expectedQuote = NatFrames.ip(back, content);
            int networkBytes = ipv6 ? content.routed() ? 64 : 40 : 20 + content.options().length;
            int quotedBytes = networkBytes + 8 + random.nextInt(quoted.length - networkBytes - 7);
            int sum = protocol == 132 ? 8 : NatFrames.sumOffset(protocol);
            int sumEnd = sum + (protocol == 132 ? 4 : 2);
            if (quotedBytes > networkBytes + sum && quotedBytes < networkBytes + sumEnd) {
                quotedBytes = networkBytes + sum; // Cut through, it is of no use to anybody.
            }
            byte[] router = Ends.random(random, ipv6, protocol).source();
            Packet packet = NatFrames.packet(
                    NatFrames.error(ipv6, router, sent.source(), Arrays.copyOf(quoted, quotedBytes)), PADDING_BYTES);

            Ends leaving = back.reversed();
            Packet expected = NatFrames.packet(
                    NatFrames.error(
                            ipv6,
                            sourceOfError ? leaving.source() : router,
                            sourceOfError ? sent.source() : leaving.destination(),
                            Arrays.copyOf(expectedQuote, quotedBytes)),
                    PADDING_BYTES);
            error(packet, leaving, sourceOfError);
            assertThat(packet.toBytes())
                    .as("seed %d turn %d protocol %d, %d bytes quoted", seed, turn, protocol, quotedBytes)
                    .isEqualTo(expected.toBytes());
        }
    }

    @Test
    void quotesThatAreGarbageAreLeftAloneButForTheSum() {
        for (int turn = 0; turn < 20_000; turn++) {
            boolean ipv6 = random.nextBoolean();
            int protocol = protocol(ipv6);
            byte[] quote = NatFrames.ip(Ends.random(random, ipv6, protocol), Content.random(random));
            for (int i = random.nextInt(6); i > 0; i--) {
                quote[random.nextInt(Math.min(quote.length, 60))] = (byte) random.nextInt();
            }
            quote = Arrays.copyOf(quote, random.nextInt(quote.length + 1));
            Ends outer = Ends.random(random, ipv6, protocol);
            Packet packet =
                    NatFrames.packet(NatFrames.error(ipv6, outer.source(), outer.destination(), quote), PADDING_BYTES);
            int end = packet.l3EndOffset();
            error(packet, Ends.random(random, ipv6, protocol), random.nextBoolean());
            byte[] bytes = packet.toBytes();
            assertThat(PacketCheck.networkIsGood(packet)).isTrue();
            packet.setChecksumState(ChecksumState.UNVERIFIED);
            assertThat(PacketCheck.transportFault(packet))
                    .as("seed %d turn %d", seed, turn)
                    .isNull();
            assertThat(Arrays.copyOfRange(bytes, end, bytes.length)).containsOnly(0xa5);
        }
    }

    @Test
    void translatingAllocatesNothing() {
        Ends from = Ends.random(random, false, 6);
        Content content = Content.random(random);
        Packet packet = NatFrames.packet(NatFrames.ip(from, content), 0);
        Packet error = NatFrames.packet(
                NatFrames.error(false, from.destination(), from.source(), NatFrames.ip(from, content)), 0);
        Packet wide = NatFrames.packet(NatFrames.ip(Ends.random(random, true, 132), content), 0);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Tuple leaving = new Tuple();
        long allocated = Long.MAX_VALUE;
        // The compiler comes when it likes; until then boxed offsets are what accessing memory costs.
        for (int round = 0; round < 20 && allocated > 64 * 1024; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 20_000; i++) {
                NatRewrite.direct(packet, filled(leaving, 0, i, -i, i & 0xffff));
                NatRewrite.direct(wide, filled(leaving, i, i, -i, i & 0xffff));
                NatRewrite.errorSource(error, filled(leaving, 0, i, -i, i & 0xffff));
                NatRewrite.errorDestination(error, filled(leaving, 0, -i, i, i & 0xffff));
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isLessThan(64 * 1024);
    }

    private int protocol(boolean ipv6) {
        int protocol = NatFrames.PROTOCOLS[random.nextInt(NatFrames.PROTOCOLS.length)];
        return protocol == 1 && ipv6 ? 58 : protocol == 58 && !ipv6 ? 1 : protocol;
    }

    /** Some parts of the tuple anew, some as they were. */
    private Ends translated(Ends from) {
        Ends other = Ends.random(random, from.ipv6(), from.protocol());
        boolean newPorts = random.nextBoolean();
        return new Ends(
                from.ipv6(),
                from.protocol(),
                random.nextBoolean() ? other.source() : from.source(),
                newPorts ? other.sourcePort() : from.sourcePort(),
                random.nextBoolean() ? other.destination() : from.destination(),
                newPorts ? other.destinationPort() : from.destinationPort());
    }

    /**
     * What the sender of a packet had sent before its source, or else its destination, and the ports were translated.
     */
    private Ends retranslated(Ends sent, boolean source) {
        Ends other = Ends.random(random, sent.ipv6(), sent.protocol());
        return new Ends(
                sent.ipv6(),
                sent.protocol(),
                source ? other.source() : sent.source(),
                other.sourcePort(),
                source ? sent.destination() : other.destination(),
                other.destinationPort());
    }

    private static Content withSumAndUnrouted(Content content) {
        return new Content(content.options(), false, false, content.header(), content.payload());
    }

    private static Tuple filled(Tuple tuple, long high, long sourceLow, long destinationLow, int sourcePort) {
        tuple.setSource(high, sourceLow);
        tuple.setDestination(-high, destinationLow);
        tuple.sourcePort = sourcePort;
        tuple.destinationPort = 80;
        return tuple;
    }

    private static void direct(Packet packet, Ends to) {
        NatRewrite.direct(packet, tuple(to));
    }

    private static void error(Packet packet, Ends leaving, boolean source) {
        if (source) {
            NatRewrite.errorSource(packet, tuple(leaving));
        } else {
            NatRewrite.errorDestination(packet, tuple(leaving));
        }
    }

    private static Tuple tuple(Ends ends) {
        Tuple tuple = new Tuple();
        tuple.setSource(ends.sourceHigh(), ends.sourceLow());
        tuple.setDestination(ends.destinationHigh(), ends.destinationLow());
        tuple.sourcePort = ends.sourcePort();
        tuple.destinationPort = ends.destinationPort();
        return tuple;
    }
}
