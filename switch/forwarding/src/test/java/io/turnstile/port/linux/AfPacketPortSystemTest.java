package io.turnstile.port.linux;

import static io.turnstile.port.linux.FrameCollector.etherType;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import io.turnstile.port.DummyPort;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortException;
import io.turnstile.port.PortFrames;
import io.turnstile.port.PortStatistics;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("system")
@Timeout(60)
class AfPacketPortSystemTest {
    private static final int EXPERIMENTAL = 0x88b5;

    private final TestDevices devices = new TestDevices();

    @AfterEach
    void close() {
        devices.close();
    }

    @Test
    void framesOfEverySizeArriveByteForByteAndInOrder() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            // More frames in all than the ring has slots: it is walked round more than once.
            for (int size = 60; size <= 1514; size++) {
                left.send(Packet.copyOf(PortFrames.random(size, size)));
                left.send(Packet.copyOf(PortFrames.random(size, -size)));
                left.flush();
                assertThat(collector.take(2, etherType(EXPERIMENTAL)))
                        .extracting(Packet::toBytes)
                        .containsExactly(PortFrames.random(size, size), PortFrames.random(size, -size));
            }
        }
    }

    @Test
    void aProgramHidesFramesUntilItIsTakenOff() throws Exception {
        String[] names = devices.pair();
        Program hidesLongOnes = new Assembler()
                .load(Size.U32, Register.R1, Register.R1, SkBuff.LEN.offset())
                .mov(Register.R0, 0)
                .jump(Condition.GT, Register.R1, 100, "end")
                .mov(Register.R0, -1)
                .label("end")
                .exit()
                .assemble();
        try (LoadedProgram program =
                        LoadedProgram.load(ProgramType.SOCKET_FILTER, "hides", "Apache-2.0", hidesLongOnes);
                AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            assertThat(right.filterReceived(left.pollDescriptor()))
                    .isEqualTo("attaching a program to its socket: Invalid argument");
            assertThat(right.filterReceived(program.fd())).isNull();
            assertThat(right.filterReceived(program.fd())).isEqualTo("it is filtered already");
            for (int size : new int[] {101, 100}) {
                left.send(Packet.copyOf(PortFrames.random(size, size)));
            }
            left.flush();
            assertThat(collector.take(1, etherType(EXPERIMENTAL)).get(0).lengthBytes())
                    .isEqualTo(100);

            right.stopFiltering();
            right.stopFiltering();
            left.send(Packet.copyOf(PortFrames.random(101, 101)));
            left.flush();
            assertThat(collector.take(1, etherType(EXPERIMENTAL)).get(0).lengthBytes())
                    .isEqualTo(101);
            assertThat(right.filterReceived(program.fd())).isNull();
            right.close();
            assertThat(right.filterReceived(program.fd())).isEqualTo("the port is closed");
        }
    }

    @Test
    void whatTheDeviceSaidLastIsKnownWhenItHasGone() {
        String[] names = devices.pair();
        try (AfPacketPort port = AfPacketPort.open(names[0], false)) {
            LinkStatus opened = port.lastLinkStatus();
            assertThat(opened.ifIndex()).isEqualTo(Links.requireIndex(names[0]));
            assertThat(opened.macAddress()).isEqualTo(port.linkStatus().macAddress());
            TestDevices.run("ip link del " + names[0]);
            assertThatThrownBy(port::linkStatus).isInstanceOf(PortException.class);
            assertThat(port.lastLinkStatus().ifIndex()).isEqualTo(opened.ifIndex());
        }
    }

    @Test
    void theLoopbackDeviceIsRefused() {
        assertThatThrownBy(() -> AfPacketPort.open("lo", false))
                .isInstanceOf(PortException.class)
                .hasMessage("could not add network device lo to ofproto (Invalid argument)");
    }

    @Test
    void ourOwnFramesDoNotComeBack() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(left)) {
            left.send(Packet.copyOf(PortFrames.random(60, 1)));
            left.flush();
            right.send(Packet.copyOf(PortFrames.random(61, 2)));
            right.flush();
            assertThat(collector.take(1, etherType(EXPERIMENTAL)).get(0).lengthBytes())
                    .isEqualTo(61);
        }
    }

    @Test
    void vlanTagsSurviveTheKernelStrippingThem() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            List<byte[]> sent = List.of(
                    tagged("8100 6005 88b5", 1500),
                    tagged("88a8 0007 8100 0005 88b5", 200),
                    tagged("8100 0000 88b5", 60));
            sent.forEach(each -> left.send(Packet.copyOf(each)));
            left.flush();
            List<Packet> received = collector.take(3, packet -> true);
            assertThat(received).extracting(Packet::toBytes).containsExactlyElementsOf(sent);
        }
    }

    private static byte[] tagged(String tags, int sizeBytes) {
        byte[] frame = PortFrames.random(sizeBytes, sizeBytes);
        byte[] bytes = PortFrames.hex(tags);
        System.arraycopy(bytes, 0, frame, 12, bytes.length);
        return frame;
    }

    @Test
    void jumboFramesFitTheSlotsOfAJumboDevice() {
        String[] names = devices.pair();
        Links.setMtu(names[0], 9000);
        Links.setMtu(names[1], 9000);
        assertJumboArrives(names, false);
    }

    @Test
    void framesLongerThanASlotComeByTheSocketInOrder() {
        assertJumboArrives(devices.pair(), true);
    }

    private static void assertJumboArrives(String[] names, boolean raiseMtu) {
        try (AfPacketPort left = AfPacketPort.open(names[0], false);
                AfPacketPort right = AfPacketPort.open(names[1], false);
                FrameCollector collector = new FrameCollector(right)) {
            if (raiseMtu) {
                left.setMtu(9000);
                right.setMtu(9000);
            }
            int[] sizes = {9014, 60, 5000, 1514, 9000, 61};
            for (int size : sizes) {
                left.send(Packet.copyOf(PortFrames.random(size, size)));
            }
            left.flush();
            List<Packet> received = collector.take(sizes.length, etherType(EXPERIMENTAL));
            for (int i = 0; i < sizes.length; i++) {
                assertThat(received.get(i).toBytes()).isEqualTo(PortFrames.random(sizes[i], sizes[i]));
            }
        }
    }

    @Test
    void aFrameBeyondTheMtuIsATransmitDropAndTheOthersGo() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            left.send(Packet.copyOf(PortFrames.random(60, 1)));
            left.send(Packet.copyOf(PortFrames.random(1600, 2)));
            left.send(Packet.copyOf(PortFrames.random(61, 3)));
            left.send(Packet.copyOf(PortFrames.random(5000, 4)));
            left.flush();
            assertThat(collector.take(2, etherType(EXPERIMENTAL)))
                    .extracting(Packet::lengthBytes)
                    .containsExactly(60, 61);
            assertThat(left.statistics().txDropped()).isEqualTo(2);
        }
    }

    @Test
    void aFullRingIsCountedAsDropped() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true)) {
            for (int i = 0; i < 5000; i++) {
                left.send(Packet.copyOf(PortFrames.random(60, i)));
            }
            left.flush();
            int received = 0;
            PacketBatch batch = new PacketBatch();
            Packet[] pool = PortFrames.pool();
            for (int got = -1; got != 0; received += got) {
                batch.clear();
                got = right.receive(pool, batch);
            }
            assertThat(received).isBetween(900, 4999);
            assertThat(right.statistics().rxDropped()).isEqualTo(5000 - received);
        }
    }

    @Test
    void aLocalSendersOpenChecksumIsKnownToBeOpen() {
        String namespace = TestDevices.name();
        String device = devices.namespace(namespace, "10.78.0.1/24");
        TestDevices.in(namespace, "ip neigh add 10.78.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        try (AfPacketPort port = AfPacketPort.open(device, true);
                FrameCollector collector = new FrameCollector(port)) {
            sendDatagram(namespace);
            Packet packet = collector.take(1, etherType(EtherTypes.IPV4)).get(0);
            assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            assertThat(packet.checksumStart()).isEqualTo(34);
            assertThat(packet.checksumField()).isEqualTo(40);
            assertCompletedChecksumIsRight(packet);
        }
    }

    @Test
    void aTaggedFrameKeepsItsOpenChecksum() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            Packet sent = PortFrames.superFrame(1000, 0);
            assertThat(sent.insertBytes(12, 4)).isTrue();
            sent.putU16(12, EtherTypes.VLAN);
            sent.putU16(14, 5);
            left.send(sent);
            left.flush();
            Packet packet = collector.take(1, etherType(EtherTypes.VLAN)).get(0);
            assertThat(packet.toBytes()).isEqualTo(sent.toBytes());
            assertThat(packet.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            assertThat(packet.checksumStart()).isEqualTo(38);
            assertThat(packet.checksumField()).isEqualTo(54);
            assertCompletedChecksumIsRight(packet);
        }
    }

    private static void sendDatagram(String namespace) {
        TestDevices.run("ip", "netns", "exec", namespace, "bash", "-c", "echo hello > /dev/udp/10.78.0.2/9");
    }

    private static void assertCompletedChecksumIsRight(Packet packet) {
        InternetChecksum.complete(packet);
        PacketParser.parse(packet);
        int bytes = packet.l3EndOffset() - packet.l4Offset();
        assertThat(InternetChecksum.fold(InternetChecksum.add(
                        InternetChecksum.pseudoHeader(packet, bytes), packet, packet.l4Offset(), packet.l3EndOffset())))
                .isEqualTo(0xffff);
    }

    @Test
    void aSuperFrameIsPassedOnUncut() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            Packet sent = PortFrames.superFrame(60_000, 1448);
            byte[] bytes = sent.toBytes();
            left.send(sent);
            left.flush();
            Packet received = collector.take(1, etherType(EtherTypes.IPV4)).get(0);
            assertThat(received.segmentBytes()).isEqualTo(1448);
            assertThat(received.checksumState()).isEqualTo(ChecksumState.PARTIAL);
            assertThat(received.toBytes()).isEqualTo(bytes);
        }
    }

    /** The kernel is the oracle: made to cut a super-frame itself, it must make the frames that we make. */
    @Test
    void ourSegmentsAreTheKernels() {
        String[] names = devices.pair();
        TestDevices.run("ethtool -K " + names[0] + " tx off");
        try (AfPacketPort left = AfPacketPort.open(names[0], false);
                AfPacketPort right = AfPacketPort.open(names[1], false);
                FrameCollector collector = new FrameCollector(right)) {
            Packet sent = PortFrames.superFrame(30_001, 1448);
            DummyPort ours = new DummyPort("ours");
            List<byte[]> segments = new ArrayList<>();
            ours.onSent(segments::add);
            ours.send(sent);
            left.send(sent);
            left.flush();
            assertThat(collector.take(segments.size(), etherType(EtherTypes.IPV4)))
                    .extracting(Packet::toBytes)
                    .containsExactlyElementsOf(segments);
        }
    }

    @Test
    void joiningSegmentsEndsWithThePort() {
        String[] names = devices.pair();
        try (AfPacketPort port = AfPacketPort.open(names[0], true)) {
            assertThat(Links.receiveOffload(port.name())).isTrue();
        }
        assertThat(Links.receiveOffload(names[0])).isFalse();
        AfPacketPort.open(names[0], false).close();
        assertThat(Links.receiveOffload(names[0])).isFalse();
    }

    @Test
    void statisticsAreTheDevices() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right)) {
            PortStatistics leftBefore = left.statistics();
            PortStatistics rightBefore = right.statistics();
            left.send(Packet.copyOf(PortFrames.random(100, 1)));
            left.flush();
            collector.take(1, etherType(EXPERIMENTAL));
            assertThat(left.statistics().txPackets() - leftBefore.txPackets()).isEqualTo(1);
            assertThat(left.statistics().txBytes() - leftBefore.txBytes()).isEqualTo(100);
            assertThat(right.statistics().rxPackets() - rightBefore.rxPackets()).isEqualTo(1);
        }
    }

    @Test
    void linkStateFollowsTheDevice() {
        String[] names = devices.pair();
        try (AfPacketPort port = AfPacketPort.open(names[0], true)) {
            assertThat(port.linkStatus().adminUp()).isTrue();
            assertThat(port.linkStatus().carrier()).isTrue();
            Links.setAdminUp(names[1], false);
            assertThat(port.linkStatus().carrier()).isFalse();
            assertThat(port.linkStatus().carrierChanges()).isEqualTo(1);
            port.setAdminUp(false);
            port.setMacAddress(0x0200_0000_0abcL);
            port.setMtu(1400);
            assertThat(port.linkStatus().adminUp()).isFalse();
            assertThat(port.linkStatus().macAddress()).isEqualTo(0x0200_0000_0abcL);
            assertThat(port.linkStatus().mtuBytes()).isEqualTo(1400);
            assertThat(port.linkStatus().speedMbps()).isEqualTo(10_000);
        }
        assertThat(Links.driver(names[0]).name()).isEqualTo("veth");
        assertThat(Links.speed(names[0]).duplex()).isEqualTo(Links.Duplex.FULL);
    }

    @Test
    void aDeviceThatWentDownAndUpGoesOn() throws InterruptedException {
        String[] names = devices.pair();
        Semaphore leftCarrier = new Semaphore(0);
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true);
                FrameCollector collector = new FrameCollector(right);
                Poller poller = new Poller()) {
            poller.add(right, 0);
            right.setAdminUp(false);
            int[] ready = new int[1];
            poller.await(ready, 0);
            // The socket's error was taken: epoll does not report it again and again.
            assertThat(poller.await(ready, 0)).isZero();
            // Until the kernel has told of the carrier, it still drops what the left end sends.
            try (LinkWatcher watcher = new LinkWatcher(
                    each -> {
                        if (each.device().equals(names[0]) && each.carrier()) {
                            leftCarrier.release();
                        }
                    },
                    () -> {})) {
                right.setAdminUp(true);
                leftCarrier.acquire();
            }
            left.send(Packet.copyOf(PortFrames.random(60, 1)));
            left.flush();
            assertThat(collector.take(1, etherType(EXPERIMENTAL))).hasSize(1);
        }
    }

    @Test
    void aMissingDeviceHasTheMessageThatUsersKnow() {
        assertThatThrownBy(() -> AfPacketPort.open("ports-nosuch", true))
                .isInstanceOf(PortException.class)
                .hasMessage("could not open network device ports-nosuch (No such device)");
    }

    @Test
    void aClosedPortNeitherReceivesNorSends() {
        String[] names = devices.pair();
        AfPacketPort port = AfPacketPort.open(names[0], true);
        port.close();
        port.send(Packet.copyOf(PortFrames.random(60, 1)));
        port.flush();
        assertThat(port.receive(PortFrames.pool(), new PacketBatch())).isZero();
        port.close();
    }

    @Test
    void aWarmPortAllocatesNothingPerPacket() {
        String[] names = devices.pair();
        try (AfPacketPort left = AfPacketPort.open(names[0], true);
                AfPacketPort right = AfPacketPort.open(names[1], true)) {
            Packet[] pool = PortFrames.pool();
            PacketBatch batch = new PacketBatch();
            Packet packet = Packet.copyOf(PortFrames.random(60, 1));
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long allocated = -1;
            // Compiled code allocates nothing; how soon the compiler comes to it is its own affair.
            for (int round = 0; round < 50 && allocated != 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                int received = exchange(left, right, packet, pool, batch, 500);
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
                assertThat(received).isEqualTo(16_000);
            }
            assertThat(allocated).isZero();
        }
    }

    private static int exchange(
            AfPacketPort left, AfPacketPort right, Packet packet, Packet[] pool, PacketBatch batch, int rounds) {
        int received = 0;
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < PacketBatch.CAPACITY; i++) {
                left.send(packet);
            }
            left.flush();
            for (int got = 0; got < PacketBatch.CAPACITY; ) {
                batch.clear();
                got += right.receive(pool, batch);
                received += batch.length();
            }
        }
        return received;
    }
}
