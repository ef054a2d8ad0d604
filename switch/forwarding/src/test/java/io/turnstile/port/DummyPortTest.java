package io.turnstile.port;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DummyPortTest {
    private final DummyPort port = new DummyPort("p1");
    private final Packet[] pool = PortFrames.pool();
    private final PacketBatch batch = new PacketBatch();

    @Test
    void deliveredFramesAreReceivedOneByOneInOrderByteForByte() {
        for (int i = 0; i < 40; i++) {
            assertThat(port.deliver(PortFrames.random(60 + i, i))).isTrue();
        }
        for (int i = 0; i < 40; i++) {
            assertThat(port.hasPending()).isTrue();
            batch.clear();
            assertThat(port.receive(pool, batch)).isOne();
            assertThat(batch.get(0).toBytes()).isEqualTo(PortFrames.random(60 + i, i));
        }
        assertThat(port.hasPending()).isFalse();
        assertThat(port.receive(pool, batch)).isZero();
        assertThat(port.statistics().rxPackets()).isEqualTo(40);
    }

    @Test
    void theQueueIsBoundedAndWhatItRefusesIsToldToTheCaller() {
        for (int i = 0; i < DummyPort.QUEUE_LENGTH; i++) {
            assertThat(port.deliver(new byte[60])).isTrue();
        }
        assertThat(port.deliver(new byte[60])).isFalse();
        assertThat(port.statistics().rxDropped()).as("as of Open vSwitch's").isEqualTo(PortStatistics.UNKNOWN);
    }

    @Test
    void deliveryWakesTheReceiver() {
        AtomicInteger wakeups = new AtomicInteger();
        port.onReadable(wakeups::incrementAndGet);
        port.deliver(new byte[60]);
        assertThat(wakeups).hasValue(1);
    }

    @Test
    void sentFramesReachListenersAndCounters() {
        List<byte[]> sent = new ArrayList<>();
        port.onSent(sent::add);
        byte[] frame = PortFrames.random(100, 7);
        port.send(Packet.copyOf(frame));
        port.flush();
        assertThat(sent).containsExactly(frame);
        assertThat(port.statistics().txPackets()).isEqualTo(1);
        assertThat(port.statistics().txBytes()).isEqualTo(100);
    }

    @Test
    void framesLongerThanTheMtuAreDropped() {
        List<byte[]> sent = new ArrayList<>();
        port.onSent(sent::add);
        port.send(Packet.copyOf(PortFrames.random(1515, 1)));
        assertThat(sent).isEmpty();
        assertThat(port.statistics().txPackets()).isZero();
        port.send(Packet.copyOf(PortFrames.random(1514, 1)));
        assertThat(sent).hasSize(1);
    }

    @Test
    void aPartialChecksumIsCompletedBeforeItLeaves() {
        List<byte[]> sent = new ArrayList<>();
        port.onSent(sent::add);
        // UDP 10.78.0.1:5 -> 10.78.0.2:9 with "hi"; 0x14ba is the folded pseudo-header sum.
        Packet packet = Packet.copyOf(PortFrames.hex("020000000002 020000000001 0800 4500001e 00004000 4011 2619"
                + "0a4e0001 0a4e0002 0005 0009 000a 14ba 6869"));
        packet.setPartialChecksum(34, 40);
        port.send(packet);
        // 14ba + 0005 + 0009 + 000a + 6869 = 7d3b, complemented
        assertThat(sent.get(0)).endsWith(PortFrames.hex("0005 0009 000a 82c4 6869"));
    }

    @Test
    void aSuperFrameLeavesAsTheFramesItStandsFor() {
        List<byte[]> sent = new ArrayList<>();
        port.onSent(sent::add);
        port.send(PortFrames.superFrame(2500, 1000));
        assertThat(sent).extracting(each -> each.length).containsExactly(1066, 1066, 566);
    }

    @Test
    void oneCaptureFileHoldsBothDirections(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("p.pcap");
        DummyPort captured = new DummyPort("p2", Map.of("pcap", path.toString()), () -> 1_000_000);
        captured.deliver(PortFrames.random(60, 1));
        captured.send(Packet.copyOf(PortFrames.random(70, 2)));
        assertThat(Files.size(path)).isEqualTo(24 + 16 + 60 + 16 + 70);
        captured.setOptions(Map.of());
        captured.deliver(new byte[60]);
        assertThat(Files.size(path)).isEqualTo(24 + 16 + 60 + 16 + 70);
    }

    @Test
    void eachDirectionMayHaveItsOwnCaptureFile(@TempDir Path folder) throws IOException {
        Path in = folder.resolve("in.pcap");
        Path out = folder.resolve("out.pcap");
        DummyPort captured = new DummyPort("p3", Map.of("rxq_pcap", in.toString(), "tx_pcap", out.toString()), () -> 0);
        captured.deliver(PortFrames.random(60, 1));
        captured.send(Packet.copyOf(PortFrames.random(70, 2)));
        assertThat(Files.size(in)).isEqualTo(24 + 16 + 60);
        assertThat(Files.size(out)).isEqualTo(24 + 16 + 70);
    }

    @Test
    void addressesCountUpAndStateCanBeSet() {
        DummyPort next = new DummyPort("p4");
        assertThat(next.linkStatus().macAddress()).isEqualTo(port.linkStatus().macAddress() + 1);
        assertThat(next.linkStatus().macAddress() >>> 16).isEqualTo(0xaa55_aa55L);
        assertThat(next.linkStatus().adminUp()).isTrue();
        next.setAdminUp(false);
        next.setMacAddress(0x0200_0000_0001L);
        next.setMtu(9000);
        assertThat(next.linkStatus()).isEqualTo(new LinkStatus(false, false, 0x0200_0000_0001L, 9000, 0, 0, 0));
    }

    @Test
    void aClosedPortTakesNothing() {
        port.deliver(new byte[60]);
        port.close();
        assertThat(port.receive(pool, batch)).isZero();
        assertThat(port.deliver(new byte[60])).isFalse();
    }

    @Test
    void receivingAndCountingAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        // The first rounds warm up; what is measured is the receiving, not the test's delivering.
        long allocated = 0;
        for (int round = 0; round < 300; round++) {
            for (int i = 0; i < 32; i++) {
                port.deliver(new byte[60]);
            }
            batch.clear();
            long before = threads.getCurrentThreadAllocatedBytes();
            while (port.receive(pool, batch) > 0) {
                // Until the queue is empty.
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertThat(batch.length()).isEqualTo(32);
        }
        assertThat(allocated).isZero();
    }
}
