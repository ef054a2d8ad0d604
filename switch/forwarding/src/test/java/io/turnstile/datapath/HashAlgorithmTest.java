package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the hash of a packet depends on. */
class HashAlgorithmTest {
    private static final int LOW_BITS = 0xf;

    private static int hash(HashAlgorithm algorithm, byte[] frame) {
        Packet packet = Packet.copyOf(frame);
        PacketParser.parse(packet);
        long[] key = FlowKey.newKey();
        KeyExtractor.extract(packet, key);
        return algorithm.hash(key, 0);
    }

    private static byte[] tcp(String tuple) {
        return Frames.tcp(tuple).syn().bytes();
    }

    private static byte[] udp(String tuple) {
        return Frames.udp(tuple).payload(4).bytes();
    }

    @Test
    void symmetricHashIsThatOfTheConnection() {
        for (String[] both : new String[][] {
            {"10.0.0.1:5 > 10.0.0.2:80", "10.0.0.2:80 > 10.0.0.1:5"},
            {"[2001:db8::1]:5 > [2001:db8::2]:80", "[2001:db8::2]:80 > [2001:db8::1]:5"}
        }) {
            assertThat(hash(HashAlgorithm.SYMMETRIC_L4, tcp(both[0])))
                    .isEqualTo(hash(HashAlgorithm.SYMMETRIC_L4, tcp(both[1])));
            assertThat(hash(HashAlgorithm.L4, tcp(both[0]))).isNotEqualTo(hash(HashAlgorithm.L4, tcp(both[1])));
        }
    }

    @Test
    void portsCountForTcpAndNotForUdp() {
        assertThat(hash(HashAlgorithm.SYMMETRIC_L4, tcp("10.0.0.1:5 > 10.0.0.2:80")))
                .isNotEqualTo(hash(HashAlgorithm.SYMMETRIC_L4, tcp("10.0.0.1:6 > 10.0.0.2:80")));
        assertThat(hash(HashAlgorithm.SYMMETRIC_L4, udp("10.0.0.1:5 > 10.0.0.2:80")))
                .isEqualTo(hash(HashAlgorithm.SYMMETRIC_L4, udp("10.0.0.1:6 > 10.0.0.2:80")));
        assertThat(hash(HashAlgorithm.L4, udp("10.0.0.1:5 > 10.0.0.2:80")))
                .isNotEqualTo(hash(HashAlgorithm.L4, udp("10.0.0.1:6 > 10.0.0.2:80")));
    }

    @Test
    void hashesSpreadOverTheLowestBits() {
        for (HashAlgorithm algorithm : HashAlgorithm.values()) {
            Set<Integer> values = new HashSet<>();
            for (int port = 1; port <= 200; port++) {
                int hash = hash(algorithm, tcp("10.0.0.1:" + port + " > 10.0.0.2:80"));
                assertThat(hash).isNotZero();
                values.add(hash & LOW_BITS);
            }
            assertThat(values).as(algorithm.label()).hasSize(LOW_BITS + 1);
        }
    }

    @Test
    void whatIsNotIpIsHashedByItsLinkLayer() {
        byte[] arp = Frames.arpRequest("10.0.0.1 > 10.0.0.2").bytes();
        assertThat(hash(HashAlgorithm.SYMMETRIC_L4, arp)).isNotZero().isEqualTo(hash(HashAlgorithm.SYMMETRIC_L4, arp));
    }

    /** Values of the algorithm's author (MurmurHash3_x86_32, whole words, seed 0 and 0x9747b28c). */
    @Test
    void murmurHashIsTheOneOfItsAuthor() {
        assertThat(MurmurHash.ofBytes(new byte[0], 1)).isEqualTo(0x514E28B7);
        assertThat(MurmurHash.ofBytes("test".getBytes(StandardCharsets.US_ASCII), 0))
                .isEqualTo(0xba6bd213);
        assertThat(MurmurHash.ofBytes("aaaa".getBytes(StandardCharsets.US_ASCII), 0x9747b28c))
                .isEqualTo(0x5A97808A);
    }
}
