package io.turnstile.conntrack;

import static io.turnstile.conntrack.SctpChunkBytes.abort;
import static io.turnstile.conntrack.SctpChunkBytes.back;
import static io.turnstile.conntrack.SctpChunkBytes.chunk;
import static io.turnstile.conntrack.SctpChunkBytes.cookieAck;
import static io.turnstile.conntrack.SctpChunkBytes.cookieEcho;
import static io.turnstile.conntrack.SctpChunkBytes.data;
import static io.turnstile.conntrack.SctpChunkBytes.init;
import static io.turnstile.conntrack.SctpChunkBytes.initAck;
import static io.turnstile.conntrack.SctpChunkBytes.initWith;
import static io.turnstile.conntrack.SctpChunkBytes.parameter;
import static io.turnstile.conntrack.SctpChunkBytes.sack;
import static io.turnstile.conntrack.SctpChunkBytes.there;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import io.turnstile.packet.HeaderRewrite;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 9653: zero in place of SCTP's checksum is right where its receiver has said so in the handshake. */
class SctpZeroChecksumTest {
    private static final int INIT = 1;
    private static final int INIT_ACK = 2;
    private static final int ASCONF = 193;
    private static final int A = 0xa0000001;
    private static final int B = 0xb0000001;
    private static final int A_NEW = 0xa0000002;
    private static final int B_NEW = 0xb0000002;
    private static final int SUM_AT = 14 + 20 + 8;
    /** §4: the error detection method is SCTP over DTLS. */
    private static final byte[] ACCEPTABLE = parameter(0x8001, (byte) 0, (byte) 0, (byte) 0, (byte) 1);

    private final TrackerFixture ct = new TrackerFixture();

    private static Packet zero(Frame frame) {
        byte[] bytes = frame.bytes();
        ByteBuffer.wrap(bytes).putInt(SUM_AT, 0);
        Packet packet = Packet.copyOf(bytes);
        PacketParser.parse(packet);
        return packet;
    }

    private String lookZero(Frame frame) {
        return TrackerFixture.state(ct.send(zero(frame), CtRequest.lookup(0)));
    }

    private void establish(byte[] init, byte[] initAck) {
        ct.pass(there(0, init));
        assertThat(ct.look(back(A, initAck))).isEqualTo("est|rpl");
        assertThat(ct.look(there(B, cookieEcho()))).isEqualTo("est");
        assertThat(ct.look(back(A, cookieAck()))).isEqualTo("est|rpl");
    }

    @Test
    void whoHasSaidSoGetsZero() {
        establish(initWith(INIT, A, ACCEPTABLE), initAck(B));
        assertThat(lookZero(back(A, data()))).isEqualTo("est|rpl");
        assertThat(lookZero(there(B, data()))).as("B has not said so").isEqualTo("inv");
        assertThat(ct.look(back(A, data()))).as("the right sum is right too").isEqualTo("est|rpl");
        assertThat(ct.tracker.invalid(InvalidReason.L4_CHECKSUM)).isEqualTo(1);
        ct.tracker.flush(null, ct.clock.nowNs());
        establish(init(A), initWith(INIT_ACK, B, ACCEPTABLE));
        assertThat(lookZero(back(A, data()))).isEqualTo("inv");
        assertThat(lookZero(there(B, data()))).isEqualTo("est");
    }

    @Test
    void nobodyGetsZeroUnasked() {
        establish(init(A), initAck(B));
        assertThat(lookZero(back(A, data()))).isEqualTo("inv");
        assertThat(lookZero(there(B, data()))).isEqualTo("inv");
    }

    @Test
    void aWrongSumThatIsNotZeroStaysWrong() {
        establish(initWith(INIT, A, ACCEPTABLE), initWith(INIT_ACK, B, ACCEPTABLE));
        byte[] bytes = there(B, data()).bytes();
        bytes[SUM_AT] ^= 1;
        Packet packet = Packet.copyOf(bytes);
        PacketParser.parse(packet);
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.lookup(0)))).isEqualTo("inv");
    }

    /** §5.2: INIT, COOKIE ECHO and ASCONF have a sum whatever was agreed. */
    @Test
    void someChunksNeedASum() {
        assertThat(lookZero(there(0, initWith(INIT, A, ACCEPTABLE)))).isEqualTo("inv");
        ct.pass(there(0, initWith(INIT, A, ACCEPTABLE)));
        assertThat(lookZero(there(0, initWith(INIT, A, ACCEPTABLE)))).isEqualTo("inv");
        assertThat(lookZero(back(A, initWith(INIT_ACK, B, ACCEPTABLE))))
                .as("the INIT has said so")
                .isEqualTo("est|rpl");
        assertThat(lookZero(there(B, cookieEcho()))).isEqualTo("inv");
        assertThat(ct.look(there(B, cookieEcho()))).isEqualTo("est");
        assertThat(lookZero(back(A, cookieAck()))).isEqualTo("est|rpl");
        assertThat(lookZero(there(B, cookieEcho()))).isEqualTo("inv");
        assertThat(lookZero(there(B, data()))).isEqualTo("est");
        assertThat(lookZero(there(B, chunk(ASCONF, 0, 12)))).isEqualTo("inv");
        assertThat(lookZero(there(B, data(), chunk(ASCONF, 0, 12)))).isEqualTo("inv");
        assertThat(ct.look(there(B, chunk(ASCONF, 0, 12)))).isEqualTo("est");
        assertThat(lookZero(back(A, abort()))).isEqualTo("est|rpl");
    }

    @Test
    void aPacketOfNoConnectionNeedsASum() {
        assertThat(lookZero(there(B, data()))).isEqualTo("inv");
        ct.pass(there(B, data()));
        assertThat(lookZero(back(A, sack()))).as("picked up in the middle").isEqualTo("inv");
        assertThat(lookZero(there(B, data()))).isEqualTo("inv");
    }

    @Test
    void otherParametersMayStandBeforeIt() {
        byte[] cookie = parameter(7, new byte[] {1, 2, 3, 4, 5});
        byte[] supported = parameter(0x8008, new byte[] {(byte) 192, 6, 7});
        establish(init(A), initWith(INIT_ACK, B, cookie, supported, ACCEPTABLE));
        assertThat(lookZero(there(B, data()))).isEqualTo("est");
    }

    /** §4: the parameter has eight bytes, and method 0 is none. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void whatIsNoSuchParameterSaysNothing(int kind) {
        byte[] parameter = switch (kind) {
            case 0 -> parameter(0x8001, new byte[4]);
            case 1 -> parameter(0x8001);
            case 2 -> parameter(0x8002, new byte[] {0, 0, 0, 1});
            case 3 -> new byte[] {(byte) 0x80, 1, 0, 2, 0, 0, 0, 1};
            default -> new byte[] {(byte) 0x80, 1, 0, 12, 0, 0, 0, 1};
        };
        establish(initWith(INIT, A, parameter), initWith(INIT_ACK, B, parameter));
        assertThat(lookZero(there(B, data()))).isEqualTo("inv");
        assertThat(lookZero(back(A, data()))).isEqualTo("inv");
    }

    @Test
    void aRestartedEndSaysItAnew() {
        establish(initWith(INIT, A, ACCEPTABLE), initAck(B));
        ct.look(there(0, init(A_NEW)));
        assertThat(lookZero(back(A_NEW, initWith(INIT_ACK, B_NEW, ACCEPTABLE)))).isEqualTo("inv");
        assertThat(ct.look(back(A_NEW, initWith(INIT_ACK, B_NEW, ACCEPTABLE)))).isEqualTo("est|rpl");
        assertThat(lookZero(back(A, data()))).as("the old one still stands").isEqualTo("est|rpl");
        assertThat(lookZero(there(B, data()))).isEqualTo("inv");
        ct.look(there(B_NEW, cookieEcho()));
        assertThat(lookZero(back(A_NEW, cookieAck()))).isEqualTo("inv");
        assertThat(ct.look(back(A_NEW, cookieAck()))).isEqualTo("est|rpl");
        assertThat(lookZero(there(B_NEW, data()))).isEqualTo("est");
        assertThat(lookZero(back(A_NEW, data()))).isEqualTo("inv");
    }

    @Test
    void aRestartedEndMayTakeZeroToo() {
        establish(init(A), initAck(B));
        ct.look(there(0, initWith(INIT, A_NEW, ACCEPTABLE)));
        assertThat(lookZero(back(A_NEW, initAck(B_NEW)))).isEqualTo("est|rpl");
        ct.look(there(B_NEW, cookieEcho()));
        assertThat(lookZero(back(A_NEW, cookieAck()))).isEqualTo("est|rpl");
        assertThat(lookZero(there(B_NEW, data()))).isEqualTo("inv");
    }

    /** Zero stays zero behind a translation: its receiver takes that or the right sum, and nothing else. */
    @Test
    void zeroIsTranslatedToZero() {
        NatRequest nat = new NatRequest(
                NatRequest.Kind.SOURCE,
                false,
                0,
                0x0a01_01f0L,
                0,
                0x0a01_01f0L,
                7000,
                7000,
                false,
                NatRequest.Choice.DEFAULT);
        ct.send(there(0, init(A)).packet(), CtRequest.commit(0).with(nat));
        String answer = "10.0.0.2:36412 > 10.1.1.240:7000";
        Packet initAck = ct.send(
                Frames.sctp(answer, A, initWith(INIT_ACK, B, ACCEPTABLE)).packet(),
                CtRequest.lookup(0).with(NatRequest.ANY));
        assertThat(TrackerFixture.state(initAck)).isEqualTo("est|rpl|dnat");
        ct.send(there(B, cookieEcho()).packet(), CtRequest.lookup(0).with(NatRequest.ANY));
        Packet packet = ct.send(zero(there(B, data())), CtRequest.lookup(0).with(NatRequest.ANY));
        assertThat(TrackerFixture.state(packet)).isEqualTo("est|snat");
        assertThat(packet.toBytes())
                .isEqualTo(zero(Frames.sctp("10.1.1.240:7000 > 10.0.0.2:36412", B, data()))
                        .toBytes());
    }

    /** Whoever rewrites a port need not have tracked the packet. */
    @Test
    void zeroStaysWhenAPortIsRewrittenAndARightSumFollows() {
        Packet none = zero(there(B, data()));
        HeaderRewrite.putSctpPort(none, 0, 4444);
        assertThat(none.u32(SUM_AT)).isZero();
        Packet right = rightlyZero();
        HeaderRewrite.putSctpPort(right, 0, 4444);
        assertThat(right.u32(SUM_AT)).isNotZero();
        assertThat(PacketCheck.transportFault(right)).isNull();
        assertThat(right.checksumState()).isEqualTo(Packet.ChecksumState.GOOD);
    }

    @Test
    void rightSumThatIsZeroNeedsNobodysWord() {
        Packet packet = rightlyZero();
        assertThat(TrackerFixture.state(ct.send(packet, CtRequest.lookup(0)))).isEqualTo("new");
        assertThat(packet.checksumState()).isEqualTo(Packet.ChecksumState.GOOD);
    }

    /** A packet whose CRC is zero: the CRC is linear, so four of its bytes can be chosen to make it so. */
    private static Packet rightlyZero() {
        byte[] bytes = there(B, data()).bytes();
        int last = bytes.length - 8; // within the data
        int[] effects = new int[32];
        int sum = sumOf(bytes);
        for (int bit = 0; bit < 32; bit++) {
            byte[] changed = bytes.clone();
            changed[last + bit / 8] ^= (byte) (1 << bit % 8);
            effects[bit] = sumOf(changed) ^ sum;
        }
        long[] rows = new long[32];
        for (int bit = 0; bit < 32; bit++) {
            for (int row = 0; row < 32; row++) {
                rows[row] |= (long) (effects[bit] >>> row & 1) << bit;
            }
        }
        for (int row = 0; row < 32; row++) {
            rows[row] |= (long) (sum >>> row & 1) << 32;
        }
        for (int column = 0; column < 32; column++) {
            int pivot = column;
            while ((rows[pivot] >>> column & 1) == 0) {
                pivot++;
            }
            long swapped = rows[pivot];
            rows[pivot] = rows[column];
            rows[column] = swapped;
            for (int row = 0; row < 32; row++) {
                if (row != column && (rows[row] >>> column & 1) != 0) {
                    rows[row] ^= rows[column];
                }
            }
        }
        byte[] zeroed = bytes.clone();
        for (int bit = 0; bit < 32; bit++) {
            if ((rows[bit] >>> 32 & 1) != 0) {
                zeroed[last + bit / 8] ^= (byte) (1 << bit % 8);
            }
        }
        ByteBuffer.wrap(zeroed).putInt(SUM_AT, 0);
        Packet packet = Packet.copyOf(zeroed);
        PacketParser.parse(packet);
        return packet;
    }

    private static int sumOf(byte[] frame) {
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        byte[] transport = Arrays.copyOfRange(frame, 34, frame.length);
        Arrays.fill(transport, 8, 12, (byte) 0);
        crc.update(transport);
        return (int) crc.getValue();
    }
}
