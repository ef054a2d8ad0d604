package io.turnstile.conntrack.fragment;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Once buffers are there, holding, joining and passing on allocate nothing. */
class FragmentAllocationTest {
    private static final int ROUNDS = 20_000;
    private final FragmentReassembler reassembler = new FragmentReassembler();
    private final CompletedDatagrams completed = new CompletedDatagrams();
    private final PacketBatch batch = new PacketBatch();
    private final List<Packet> fragments =
            FrameFragments.cut(
                            Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload(4000).bytes(), 1, 1480, 2960)
                    .stream()
                    .map(frame -> {
                        Packet packet = Packet.copyOf(frame);
                        PacketParser.parse(packet);
                        return packet;
                    })
                    .toList();

    @Test
    void aWarmReassemblerAllocatesNothing() {
        run();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        run();
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(reassembler.status().ipv4().completed()).isEqualTo(6L * ROUNDS);
        // The compiler may put a few objects of its own on this thread; one byte a fragment would be 60 000.
        assertThat(allocated).isLessThan(10_000);
    }

    private void run() {
        for (int i = 0; i < ROUNDS; i++) {
            for (int j = 0; j < 3; j++) {
                batch.clear();
                batch.add(fragments.get(j));
                reassembler.takeFragments(batch, 0, i, completed);
                if (!completed.isEmpty()) {
                    completed.get(0).passOn();
                    reassembler.release(completed);
                }
            }
            reassembler.expire(i);
        }
    }
}
