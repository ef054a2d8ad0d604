package io.turnstile.port.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.FrameView;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortException;
import io.turnstile.port.PortFrames;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("system")
@Timeout(60)
class TapPortSystemTest {
    private static final long HOST_MAC = 0x0200_0000_0077L;

    @Test
    void datagramsGoBothWaysBetweenHostAndPort() throws IOException {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "internal");
                FrameCollector collector = new FrameCollector(port)) {
            TestDevices.silence(device);
            port.setMacAddress(HOST_MAC);
            port.setAdminUp(true);
            TestDevices.run("ip addr add 10.78.7.1/24 dev " + device);
            TestDevices.run("ip neigh add 10.78.7.2 lladdr 02:00:00:00:00:02 dev " + device);
            try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getByName("10.78.7.1"))) {
                byte[] text = "there".getBytes();
                socket.send(new DatagramPacket(text, text.length, InetAddress.getByName("10.78.7.2"), 9));
                Packet packet = collector
                        .take(1, FrameCollector.etherType(EtherTypes.IPV4))
                        .get(0);
                assertThat(packet.u48(0)).isEqualTo(0x0200_0000_0002L);
                assertThat(packet.u48(6)).isEqualTo(HOST_MAC);
                assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
                port.send(
                        FrameView.of(packet.toBytes()).reply().payload("again").packet());
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                socket.receive(answer);
                assertThat(new String(answer.getData(), 0, answer.getLength())).isEqualTo("again");
            }
            assertThat(port.statistics().rxPackets()).isPositive();
            assertThat(port.statistics().txPackets()).isEqualTo(1);
        }
        assertThat(Links.index(device)).isEmpty();
    }

    @Test
    void theDeviceIsDownUntilSetUpAndTakesMtu() {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "tap")) {
            assertThat(port.type()).isEqualTo("tap");
            assertThat(port.linkStatus().adminUp()).isFalse();
            port.setMtu(1400);
            port.setAdminUp(true);
            assertThat(port.linkStatus().mtuBytes()).isEqualTo(1400);
            assertThat(port.linkStatus().adminUp()).isTrue();
            assertThat(port.linkStatus().carrier()).isTrue();
        }
    }

    @Test
    void whatTheDeviceSaidLastIsKnownFromTheStartAndRenewedByAsking() {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "tap")) {
            LinkStatus opened = port.lastLinkStatus();
            assertThat(opened.ifIndex()).isEqualTo(Links.requireIndex(device));
            assertThat(opened.mtuBytes()).isEqualTo(1500);
            port.setMacAddress(HOST_MAC);
            port.setMtu(1400);
            assertThat(port.lastLinkStatus()).isEqualTo(opened);
            LinkStatus asked = port.linkStatus();
            assertThat(asked.mtuBytes()).isEqualTo(1400);
            assertThat(asked.macAddress()).isEqualTo(HOST_MAC);
            assertThat(port.lastLinkStatus()).isEqualTo(asked);
        }
    }

    @Test
    void aTakenNameIsRefusedWithItsReason() {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "internal")) {
            assertThatThrownBy(() -> TapPort.open(port.name(), "internal"))
                    .isInstanceOf(PortException.class)
                    .hasMessage("could not open network device " + device + " (Device or resource busy)");
        }
    }

    @Test
    void aDeviceDeletedByOthersDoesNotKeepThePollerAwake() {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "tap");
                Poller poller = new Poller()) {
            poller.add(port, 0);
            TestDevices.run("ip link del " + device);
            int[] ready = new int[1];
            poller.await(ready, 0);
            assertThat(poller.await(ready, 0)).isZero();
            assertThat(port.receive(PortFrames.pool(), new PacketBatch())).isZero();
        }
    }

    @Test
    void sentFramesLeaveTheHostsBytesAlone() {
        String device = TestDevices.name();
        try (TapPort port = TapPort.open(device, "tap")) {
            port.setAdminUp(true);
            byte[] frame = PortFrames.random(200, 5);
            Packet packet = Packet.copyOf(frame);
            port.send(packet);
            assertThat(Arrays.equals(packet.toBytes(), frame)).isTrue();
            assertThat(port.statistics().txPackets()).isEqualTo(1);
        }
    }
}
