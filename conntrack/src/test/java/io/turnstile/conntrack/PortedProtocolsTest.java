package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DCCP, UDP-Lite and protocols without ports; the headers and their sums are made here from the RFCs. */
class PortedProtocolsTest {
    private static final int DCCP = 33;
    private static final int UDP_LITE = 136;
    private static final int ALL = 0;

    private final TrackerFixture ct = new TrackerFixture();

    @Test
    void udpLiteHasPorts() {
        assertThat(ct.pass(udpLite(1000, 2000, 20, ALL))).isEqualTo("new");
        assertThat(ct.look(udpLite(1001, 2000, 20, ALL))).as("another flow").isEqualTo("new");
        assertThat(ct.look(turned(UDP_LITE, udpLiteBody(2000, 1000, 20, 8)))).isEqualTo("est|rpl");
        assertThat(ct.look(udpLite(1000, 2000, 20, ALL))).isEqualTo("est");
        assertThat(ct.dump())
                .containsExactly("udplite,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=2000),"
                        + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=2000,dport=1000)");
    }

    @Test
    void dccpHasPorts() {
        assertThat(ct.pass(dccp(1000, 2000, 16, 20, 0))).isEqualTo("new");
        assertThat(ct.look(dccp(1001, 2000, 16, 20, 0))).as("another flow").isEqualTo("new");
        assertThat(ct.look(turned(DCCP, dccpBody(2000, 1000, 16, 20, 1, true)))).isEqualTo("est|rpl");
        assertThat(ct.dump(true, true))
                .containsExactly("dccp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1000,dport=2000),"
                        + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=2000,dport=1000),id=0,status=0,timeout=30");
    }

    @Test
    void errorsAboutThemAreRelated() {
        for (Frame frame : new Frame[] {udpLite(1000, 2000, 20, ALL), dccp(1000, 2000, 16, 20, 0)}) {
            ct.pass(frame);
            assertThat(ct.look(Frames.portUnreachable("10.0.0.2 > 10.0.0.1", frame.bytes())))
                    .isEqualTo("rel|rpl");
        }
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1", udpLite(1001, 2000, 20, ALL).bytes())))
                .isEqualTo("inv");
    }

    /** RFC 3828 §3.1: 0 stands for all; less than the header or more than the packet is malformed. */
    @ParameterizedTest
    @CsvSource({"0, new", "8, new", "9, new", "28, new", "1, inv", "7, inv", "29, inv", "65535, inv"})
    void udpLiteCoverageIsWithinThePacket(int coverage, String state) {
        assertThat(ct.look(udpLite(1000, 2000, 20, coverage))).isEqualTo(state);
    }

    @Test
    void whatUdpLiteDoesNotCoverMayBeDamaged() {
        byte[] body = udpLiteBody(1000, 2000, 20, 12);
        body[12] ^= 1;
        assertThat(ct.look(plain(UDP_LITE, body))).isEqualTo("new");
        body[11] ^= 1;
        assertThat(ct.look(plain(UDP_LITE, body))).isEqualTo("inv");
    }

    @Test
    void udpLiteAlwaysHasASum() {
        byte[] body = udpLiteBody(1000, 2000, 20, 8);
        body[6] = body[7] = 0;
        assertThat(ct.look(plain(UDP_LITE, body))).isEqualTo("inv");
    }

    /** RFC 4340 §9.2: 0 stands for all, otherwise header and (n - 1) words; 20 bytes are 5 words. */
    @ParameterizedTest
    @CsvSource({"0, new", "1, new", "2, new", "6, new", "7, inv", "15, inv"})
    void dccpCoverageIsWithinThePacket(int coverage, String state) {
        assertThat(ct.look(dccp(1000, 2000, 16, 20, coverage))).isEqualTo(state);
    }

    @Test
    void whatDccpDoesNotCoverMayBeDamaged() {
        byte[] body = dccpBody(1000, 2000, 16, 20, 2, true);
        body[20] ^= 1;
        assertThat(ct.look(plain(DCCP, body))).isEqualTo("new");
        body[19] ^= 1;
        assertThat(ct.look(plain(DCCP, body))).isEqualTo("inv");
    }

    /** RFC 4340 §5.1: the data offset covers at least the generic header, which the X bit makes four bytes longer. */
    @ParameterizedTest
    @CsvSource({
        "8, true, inv",
        "12, true, inv",
        "16, true, new",
        "36, true, new",
        "40, true, inv",
        "8, false, inv",
        "12, false, new"
    })
    void dccpHeaderIsWithinThePacket(int headerBytes, boolean extended, String state) {
        assertThat(ct.look(plain(DCCP, dccpBody(1000, 2000, headerBytes, 36 - headerBytes, 1, extended))))
                .isEqualTo(state);
    }

    @ParameterizedTest
    @ValueSource(ints = {DCCP, UDP_LITE})
    void portZeroAndHeadersCutShortAreInvalid(int protocol) {
        assertThat(ct.look(protocol == DCCP ? dccp(0, 2000, 16, 20, 0) : udpLite(0, 2000, 20, 0)))
                .isEqualTo("inv");
        assertThat(ct.look(protocol == DCCP ? dccp(1, 0, 16, 20, 0) : udpLite(1, 0, 20, 0)))
                .isEqualTo("inv");
        assertThat(ct.look(Frames.ip("10.0.0.1 > 10.0.0.2", protocol).payload(7)))
                .isEqualTo("inv");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 47, 50, 89, 255})
    void othersAreKnownByTheirAddresses(int protocol) {
        String name = protocol == 2 ? "igmp" : Integer.toString(protocol);
        assertThat(ct.pass(Frames.ip("10.0.0.1 > 10.0.0.2", protocol).payload(1)))
                .isEqualTo("new");
        assertThat(ct.look(Frames.ip("10.0.0.1 > 10.0.0.2", protocol)))
                .as("empty")
                .isEqualTo("new");
        assertThat(ct.look(Frames.ip("10.0.0.2 > 10.0.0.1", protocol).payload(30)))
                .isEqualTo("est|rpl");
        assertThat(ct.dump())
                .containsExactly(name + ",orig=(src=10.0.0.1,dst=10.0.0.2,sport=0,dport=0),"
                        + "reply=(src=10.0.0.2,dst=10.0.0.1,sport=0,dport=0)");
        assertThat(ct.look(Frames.portUnreachable(
                        "10.0.0.2 > 10.0.0.1",
                        Frames.ip("10.0.0.1 > 10.0.0.2", protocol).bytes())))
                .isEqualTo("rel|rpl");
    }

    private static Frame plain(int protocol, byte[] body) {
        return Frames.ip("10.0.0.1 > 10.0.0.2", protocol).payload(body);
    }

    private static Frame turned(int protocol, byte[] body) {
        return Frames.ip("10.0.0.2 > 10.0.0.1", protocol).payload(body);
    }

    private static Frame udpLite(int source, int destination, int dataBytes, int coverage) {
        return plain(UDP_LITE, udpLiteBody(source, destination, dataBytes, coverage));
    }

    private static byte[] udpLiteBody(int source, int destination, int dataBytes, int coverage) {
        byte[] body = new byte[8 + dataBytes];
        Arrays.fill(body, (byte) 0x5a);
        ByteBuffer.wrap(body)
                .putShort((short) source)
                .putShort((short) destination)
                .putShort((short) coverage)
                .putShort((short) 0);
        return withSum(body, 6, coverage == 0 ? body.length : Math.min(coverage, body.length), UDP_LITE);
    }

    private static Frame dccp(int source, int destination, int headerBytes, int dataBytes, int coverage) {
        return plain(DCCP, dccpBody(source, destination, headerBytes, dataBytes, coverage, true));
    }

    private static byte[] dccpBody(
            int source, int destination, int headerBytes, int dataBytes, int coverage, boolean extended) {
        byte[] body = new byte[headerBytes + dataBytes];
        Arrays.fill(body, (byte) 0x5a);
        int ack = 3;
        ByteBuffer.wrap(body)
                .putShort((short) source)
                .putShort((short) destination)
                .put((byte) (headerBytes / 4))
                .put((byte) coverage)
                .putShort((short) 0)
                .put((byte) (ack << 1 | (extended ? 1 : 0)));
        int covered = coverage == 0 ? body.length : headerBytes + (coverage - 1) * 4;
        return withSum(body, 6, Math.min(covered, body.length), DCCP);
    }

    /** RFC 1071 over the pseudo-header of 10.0.0.1 and 10.0.0.2, in either order, and what is covered. */
    private static byte[] withSum(byte[] body, int field, int coveredBytes, int protocol) {
        int sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + protocol + body.length;
        for (int i = 0; i < coveredBytes; i++) {
            sum += (body[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
        }
        while (sum > 0xffff) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        int value = sum == 0xffff ? 0xffff : ~sum & 0xffff;
        body[field] = (byte) (value >>> 8);
        body[field + 1] = (byte) value;
        return body;
    }
}
