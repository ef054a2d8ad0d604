package io.turnstile.conntrack.fragment;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.FrameFragments;
import io.turnstile.packet.Frames;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads that bring the fragments of the same datagrams. */
@Timeout(30)
class FragmentThreadsTest {
    private static final int THREADS = 4;
    private static final int DATAGRAMS = 2000;
    private final FragmentReassembler reassembler = new FragmentReassembler();

    @Test
    void everyDatagramIsCompletedOnceByOneOfThem() throws Exception {
        reassembler.setMaxFragments(FragmentReassembler.MOST_FRAGMENTS);
        byte[] frame = Frames.udp("10.0.0.1:1 > 10.0.0.2:2").payload(4000).bytes();
        List<List<byte[]>> shares = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            shares.add(new ArrayList<>());
        }
        Random random = new Random(4);
        for (int id = 0; id < DATAGRAMS; id++) {
            List<byte[]> fragments = new ArrayList<>(FrameFragments.cut(frame, id, 1480, 2960));
            Collections.shuffle(fragments, random);
            // Each thread brings one fragment of a datagram at most, and all are at about the same datagram.
            for (int i = 0; i < fragments.size(); i++) {
                shares.get((id + i) % THREADS).add(fragments.get(i));
            }
        }
        List<Integer> completed = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Callable<List<Integer>>> tasks = new ArrayList<>();
            shares.forEach(share -> tasks.add(() -> bring(share, frame)));
            for (Future<List<Integer>> done : threads.invokeAll(tasks)) {
                completed.addAll(done.get());
            }
        }
        assertThat(completed).hasSize(DATAGRAMS).doesNotHaveDuplicates();
        assertThat(reassembler.status().held()).isZero();
        assertThat(reassembler.status().ipv4().completed()).isEqualTo(3L * DATAGRAMS);
    }

    /** Returns the identifications of the datagrams that this thread completed. */
    private List<Integer> bring(List<byte[]> frames, byte[] whole) {
        List<Integer> identifications = new ArrayList<>();
        CompletedDatagrams completed = new CompletedDatagrams();
        for (int from = 0; from < frames.size(); from += 8) {
            PacketBatch batch = new PacketBatch();
            for (byte[] frame : frames.subList(from, Math.min(frames.size(), from + 8))) {
                Packet packet = Packet.copyOf(frame);
                PacketParser.parse(packet);
                batch.add(packet);
            }
            reassembler.takeFragments(batch, 0, 0, completed);
            for (int i = 0; i < completed.length(); i++) {
                FragmentedDatagram datagram = completed.get(i);
                byte[] bytes = datagram.whole().toBytes();
                if (!Arrays.equals(bytes, 34, bytes.length, whole, 34, whole.length)) {
                    throw new AssertionError("the payload is another datagram's");
                }
                datagram.passOn();
                identifications.add(datagram.whole().u16(18));
            }
            reassembler.release(completed);
        }
        return identifications;
    }
}
