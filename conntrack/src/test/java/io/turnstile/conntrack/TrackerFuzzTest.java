package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketParser;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The parser and the tracker meet any sequence of frames. Input: for each frame an octet of options, two octets of
 * length and its bytes.
 */
class TrackerFuzzTest {
    private static final int COMMIT = 1;
    private static final int SUMS_ARE_GOOD = 2;
    private static final int WITH_FTP = 4;
    private static final int WITH_TFTP = 8;
    private static final int HEADER_BYTES = 3;

    private static final int MAX_CONNECTIONS = 64;

    private final TrackerFixture ct = new TrackerFixture(0, MAX_CONNECTIONS);

    static Stream<byte[]> seeds() {
        byte[] quoted = Frames.udp("10.0.0.1:5 > 10.0.0.2:6").payload(20).bytes();
        return Stream.of(
                input(
                        Frames.tcp("10.0.0.1:1 > 10.0.0.2:21")
                                .syn()
                                .windowScale(7)
                                .bytes(),
                        Frames.tcp("10.0.0.2:21 > 10.0.0.1:1").syn().ack().bytes(),
                        Frames.tcp("10.0.0.1:1 > 10.0.0.2:21")
                                .push()
                                .payload("PORT 10,0,0,1,156,65\r\n")
                                .bytes()),
                input(
                        quoted,
                        Frames.portUnreachable("10.0.0.2 > 10.0.0.1", quoted).bytes()),
                input(
                        Frames.udp("[fc00::1]:5 > [fc00::2]:69")
                                .payload("\0\1boot.img\0octet\0")
                                .bytes(),
                        Frames.echoRequest("fc00::1 > fc00::2", 4).bytes()),
                input(Frames.icmp("fe80::1 > ff02::1", 135, 0, 0).ttl(255).bytes()),
                bounceAttack(),
                input(
                        SctpChunkBytes.there(0, SctpChunkBytes.init(7)).bytes(),
                        SctpChunkBytes.back(7, SctpChunkBytes.initAck(9)).bytes(),
                        SctpChunkBytes.there(9, SctpChunkBytes.cookieEcho(), SctpChunkBytes.data())
                                .bytes()));
    }

    private static byte[] input(byte[]... frames) {
        ByteBuffer input = ByteBuffer.allocate(
                Stream.of(frames).mapToInt(frame -> HEADER_BYTES + frame.length).sum());
        for (byte[] frame : frames) {
            input.put((byte) (COMMIT | SUMS_ARE_GOOD))
                    .putShort((short) frame.length)
                    .put(frame);
        }
        return input.array();
    }

    /** A first packet that commands a connection to somebody else: new, and invalid. */
    private static byte[] bounceAttack() {
        byte[] input = input(Frames.tcp("10.0.0.1:1 > 10.0.0.2:21")
                .push()
                .ack()
                .payload("PORT 11,0,0,1,156,65\r\n")
                .bytes());
        input[0] |= WITH_FTP;
        return input;
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyFrameGetsAState(byte[] input) {
        ByteBuffer rest = ByteBuffer.wrap(input);
        while (rest.remaining() > HEADER_BYTES) {
            int options = rest.get();
            byte[] frame = new byte[Math.min(rest.getShort() & 0xffff, rest.remaining())];
            rest.get(frame);
            Packet packet = Packet.copyOf(frame);
            PacketParser.parse(packet);
            if ((options & SUMS_ARE_GOOD) != 0) {
                packet.setChecksumState(ChecksumState.GOOD);
            }
            long misused = ct.tracker.invalid(InvalidReason.ALG_ADDRESS);
            ct.send(packet, request(options));
            assertThat(packet.ctState() & CtState.TRK).isNotZero();
            boolean invalid = (packet.ctState() & CtState.INV) != 0;
            boolean valid = (packet.ctState() & (CtState.NEW | CtState.EST | CtState.REL)) != 0
                    || packet.ctState() == CtState.TRK && LinkLocalMessage.is(packet);
            boolean announcesWhatItMustNot = ct.tracker.invalid(InvalidReason.ALG_ADDRESS) != misused;
            assertThat(valid).isEqualTo(!invalid || announcesWhatItMustNot); // new or established, and invalid
        }
        assertThat(ct.dump(true, true)).hasSize(ct.tracker.connectionCount()).hasSizeLessThanOrEqualTo(MAX_CONNECTIONS);
        ct.tracker.flush(null, ct.clock.nowNs());
        ct.advance(Duration.ofDays(30));
        ct.sweep();
        assertThat(ct.tracker.connectionCount()).isZero();
    }

    private static CtRequest request(int options) {
        CtRequest request = (options & COMMIT) != 0 ? CtRequest.commit(0) : CtRequest.lookup(0);
        if ((options & WITH_FTP) != 0) {
            return request.with(Alg.FTP);
        }
        return (options & WITH_TFTP) != 0 ? request.with(Alg.TFTP) : request;
    }
}
