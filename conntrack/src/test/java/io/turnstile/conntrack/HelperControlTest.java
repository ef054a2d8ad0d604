package io.turnstile.conntrack;

import static io.turnstile.packet.Frames.tcp;
import static io.turnstile.packet.Frames.udp;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.packet.Frame;
import io.turnstile.packet.Packet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which connections with a helper are the helper's own dialogue, so that nobody else may carry them. */
class HelperControlTest {
    private static final CtRequest LOOK = CtRequest.lookup(0);
    private static final CtRequest FTP = CtRequest.commit(0).with(Alg.FTP);
    private static final CtRequest TFTP = CtRequest.commit(0).with(Alg.TFTP);

    private final TrackerFixture ct = new TrackerFixture();
    private final Carrier carrier = new Carrier();
    private final ConnectionSnapshot seen = new ConnectionSnapshot();

    @BeforeEach
    void listen() {
        ct.tracker.setListener(carrier);
    }

    private long first(Frame frame, CtRequest request) {
        return ct.send(frame.packet(), request).ctConnection();
    }

    private Control control(long id) {
        assertThat(ct.tracker.read(id, seen, ct.clock.nowNs())).isTrue();
        return seen.control;
    }

    /** TCP under {@code alg=ftp} on a port that says nothing. */
    private long handshake(int port) {
        long id = first(tcp("10.0.0.1:4000 > 10.0.0.2:" + port).segment("[S] seq 999"), FTP);
        reply(port, "[S.] seq 4999 ack 1000", "");
        ct.send(
                tcp("10.0.0.1:4000 > 10.0.0.2:" + port)
                        .segment("[.] seq 1000 ack 5000")
                        .packet(),
                LOOK);
        assertThat(carrier.news()).containsExactly("established");
        return id;
    }

    private void reply(int port, String segment, String payload) {
        ct.send(
                tcp("10.0.0.2:" + port + " > 10.0.0.1:4000")
                        .segment(segment)
                        .payload(payload)
                        .packet(),
                LOOK);
    }

    @Test
    void withoutHelperThereIsNoControl() {
        assertThat(control(first(tcp("10.0.0.1:4000 > 10.0.0.2:21").syn(), CtRequest.commit(0))))
                .isEqualTo(Control.NO);
    }

    @Test
    void port21IsControlAtOnce() {
        assertThat(control(first(tcp("10.0.0.1:4000 > 10.0.0.2:21").syn(), FTP)))
                .isEqualTo(Control.YES);
        assertThat(control(first(tcp("10.0.0.3:21 > 10.0.0.2:4000").syn(), FTP)))
                .isEqualTo(Control.YES);
    }

    @Test
    void otherProtocolsAreNot() {
        assertThat(control(first(udp("10.0.0.1:4000 > 10.0.0.2:5000"), FTP))).isEqualTo(Control.NO);
        assertThat(control(first(tcp("10.0.0.1:4000 > 10.0.0.2:5000").syn(), TFTP)))
                .isEqualTo(Control.NO);
        assertThat(control(first(udp("10.0.0.1:21 > 10.0.0.2:21"), FTP))).isEqualTo(Control.NO);
    }

    @ParameterizedTest
    @ValueSource(strings = {"220 ready\r\n", "220-hello\r\n", "120 soon\r\n", "421 full\r\n"})
    void greetingMakesControl(String greeting) {
        long id = handshake(2121);
        assertThat(control(id)).isEqualTo(Control.UNKNOWN);
        reply(2121, "[P.] seq 5000 ack 1000", greeting);
        assertThat(control(id)).isEqualTo(Control.YES);
        assertThat(carrier.news()).containsExactly("changed control");
    }

    @ParameterizedTest
    @ValueSource(strings = {"SSH-2.0-x\r\n", "2", "220", "2200 what\r\n", "500 no\r\n"})
    void serverThatSaysOtherThingsMakesNone(String first) {
        long id = handshake(2121);
        reply(2121, "[P.] seq 5000 ack 1000", first);
        assertThat(control(id)).isEqualTo(Control.NO);
        reply(2121, "[P.] seq " + (5000 + first.length()) + " ack 1000", "220 ready\r\n");
        assertThat(control(id)).as("the first words count").isEqualTo(Control.NO);
        assertThat(carrier.news()).as("told though nobody holds it").containsExactly("changed control");
    }

    @Test
    void clientThatSpeaksFirstMakesNone() {
        long id = handshake(2121);
        ct.send(
                tcp("10.0.0.1:4000 > 10.0.0.2:2121")
                        .segment("[P.] seq 1000 ack 5000")
                        .payload("220 ready\r\n")
                        .packet(),
                LOOK);
        assertThat(control(id)).isEqualTo(Control.NO);
    }

    @Test
    void invalidPacketSaysNothing() {
        long id = handshake(2121);
        reply(2121, "[P.] seq 900000000 ack 1000", "220 ready\r\n");
        assertThat(control(id)).isEqualTo(Control.UNKNOWN);
        assertThat(carrier.news()).isEmpty();
    }

    @Test
    void announcedConnectionsAreNot() {
        handshake(21);
        reply(21, "[P.] seq 5000 ack 1000", "227 Entering Passive Mode (10,0,0,2,4,5).\r\n");
        long data = first(tcp("10.0.0.1:4001 > 10.0.0.2:1029").syn(), FTP);
        assertThat(control(data)).isEqualTo(Control.NO);
        assertThat(seen.hasParent).isTrue();
        assertThat(seen.parentId).isNotZero();
        assertThat(seen.alg).isEqualTo(Alg.FTP);
        assertThat(carrier.news()).isEmpty();
    }

    @Test
    void controlIsFoundBehindTranslation() {
        long address = 0x0a000009;
        NatRequest nat = new NatRequest(
                NatRequest.Kind.DESTINATION, false, 0, address, 0, address, 21, 21, false, NatRequest.Choice.DEFAULT);
        long id = first(
                tcp("10.0.0.1:4000 > 10.0.0.2:2121").syn(),
                new CtRequest(0, true, false, 0, 0, 0, 0, 0, 0, nat, Alg.FTP, 0));
        assertThat(control(id)).isEqualTo(Control.YES);
    }

    /** As a pipeline has it that tracks first and translates later, whatever the state. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetThatIsTranslatedLaterSpeaksOnce(boolean valid) {
        long address = 0x0a000002;
        NatRequest nat = new NatRequest(
                NatRequest.Kind.DESTINATION, false, 0, address, 0, address, 0, 0, false, NatRequest.Choice.DEFAULT);
        String there = "10.0.0.1:4000 > 10.0.0.9:2121";
        long id = first(
                tcp(there).segment("[S] seq 999"), new CtRequest(0, true, false, 0, 0, 0, 0, 0, 0, nat, Alg.FTP, 0));
        reply(2121, "[S.] seq 4999 ack 1000", "");
        ct.send(tcp(there).segment("[.] seq 1000 ack 5000").packet(), LOOK);
        assertThat(carrier.news()).containsExactly("established");
        Packet greeting = tcp("10.0.0.2:2121 > 10.0.0.1:4000")
                .segment("[P.] seq " + (valid ? 5000 : 900_000_000) + " ack 1000")
                .payload("220 ready\r\n")
                .packet();
        assertThat(TrackerFixture.state(ct.send(greeting, LOOK))).isEqualTo(valid ? "est|rpl" : "inv");
        ct.send(greeting, LOOK.with(NatRequest.ANY));
        assertThat(control(id)).isEqualTo(valid ? Control.YES : Control.UNKNOWN);
        assertThat(carrier.news()).isEqualTo(valid ? List.of("changed control") : List.of());
    }

    @Test
    void tftpIsKnownByItsPortOrItsRequest() {
        byte[] request = {0, 1, 'a', 0, 'o', 0};
        assertThat(control(first(udp("10.0.0.1:4000 > 10.0.0.2:69"), TFTP))).isEqualTo(Control.YES);
        assertThat(control(first(udp("10.0.0.1:4000 > 10.0.0.2:6969").payload(request), TFTP)))
                .isEqualTo(Control.YES);
        assertThat(control(first(udp("10.0.0.1:4001 > 10.0.0.2:6969").payload("x"), TFTP)))
                .isEqualTo(Control.NO);
    }
}
