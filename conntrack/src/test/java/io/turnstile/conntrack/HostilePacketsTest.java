package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frames;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketParser;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the bytes are, {@code ct()} says something of them and nothing is thrown; the seed is the parameter. */
class HostilePacketsTest {
    private static final int ROUNDS = 40_000;

    @ParameterizedTest
    @ValueSource(longs = {11, 12})
    void mutilatedFramesGetAState(long seed) {
        Random random = new Random(seed);
        byte[] quoted = Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(20).bytes();
        byte[] quoted6 = Frames.udp("[fc00::1]:5 > [fc00::2]:6").payload(20).bytes();
        List<byte[]> originals = List.of(
                Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").syn().windowScale(7).bytes(),
                Frames.tcp("10.0.0.1:1 > 10.0.0.2:2").push().payload(30).bytes(),
                Frames.tcp("[fc00::1]:1 > [fc00::2]:2")
                        .syn()
                        .windowScale(3)
                        .vlan(5)
                        .bytes(),
                Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(5).bytes(),
                Frames.echoRequest("10.0.0.1 > 10.0.0.2", 4).bytes(),
                Frames.echoRequest("fc00::1 > fc00::2", 4).bytes(),
                Frames.portUnreachable("10.0.0.2 > 10.0.0.1", quoted).bytes(),
                Frames.portUnreachable("fc00::2 > fc00::1", quoted6).bytes(),
                Frames.ip("10.0.0.1 > 10.0.0.2", 132).payload(40).bytes(),
                SctpChunkBytes.there(0, SctpChunkBytes.init(7)).bytes(),
                SctpChunkBytes.back(7, SctpChunkBytes.initAck(9)).bytes(),
                SctpChunkBytes.there(9, SctpChunkBytes.cookieEcho(), SctpChunkBytes.data())
                        .bytes(),
                SctpChunkBytes.back(7, SctpChunkBytes.sack(), SctpChunkBytes.data(), SctpChunkBytes.abort())
                        .bytes(),
                Frames.ip("10.0.0.1 > 10.0.0.2", 33)
                        .payload(new byte[] {0, 1, 0, 2, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 5})
                        .bytes(),
                Frames.ip("10.0.0.1 > 10.0.0.2", 136)
                        .payload(new byte[] {0, 1, 0, 2, 0, 8, 9, 9, 1, 2})
                        .bytes());
        TrackerFixture ct = new TrackerFixture(seed, 2000);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] frame = originals.get(random.nextInt(originals.size())).clone();
            for (int i = random.nextInt(4); i > 0; i--) {
                frame[12 + random.nextInt(frame.length - 12)] = (byte) random.nextInt(256);
            }
            Packet packet = Packet.copyOf(Arrays.copyOf(frame, frame.length - random.nextInt(3) * random.nextInt(8)));
            PacketParser.parse(packet);
            if (random.nextBoolean()) {
                // Or hardly anything would get past the sums.
                packet.setChecksumState(ChecksumState.GOOD);
                repairNetworkSum(packet);
            }
            ct.send(packet, random.nextBoolean() ? CtRequest.commit(0) : CtRequest.lookup(0));
            assertThat(packet.ctState() & CtState.TRK)
                    .as("seed %d round %d", seed, round)
                    .isNotZero();
            boolean invalid = (packet.ctState() & CtState.INV) != 0;
            boolean valid = (packet.ctState() & (CtState.NEW | CtState.EST | CtState.REL)) != 0;
            assertThat(valid).as("seed %d round %d", seed, round).isNotEqualTo(invalid);
        }
        assertThat(ct.dump(true, true)).hasSizeGreaterThan(9);
    }

    private static void repairNetworkSum(Packet packet) {
        int l3 = packet.l3Offset();
        if (l3 != Packet.ABSENT && packet.etherType() == 0x0800) {
            packet.putU16(l3 + 10, 0);
            int end = l3 + (packet.u8(l3) & 0xf) * 4;
            packet.putU16(l3 + 10, InternetChecksum.finish(InternetChecksum.add(0, packet, l3, end)));
        }
    }
}
