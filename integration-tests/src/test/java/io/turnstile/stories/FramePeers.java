package io.turnstile.stories;

import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.port.linux.AfPacketPort;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that has all hosts of a {@link KernelWorld} in one namespace: {@code FramePeers DEVICE …}. A line
 * {@code FROM HEX TO,TO…} on its standard input has it send that frame by the device of that index, and a marker behind
 * it, which the switch sends everywhere. It answers {@code INDEX HEX} for each frame that comes, and {@code .} once the
 * marker has come to all of the devices {@code TO}: then all that becomes of the frame has come.
 */
final class FramePeers {
    static final int MARKER_TYPE = 0x88b5;

    private static final int MARKER_BYTES = 60;
    private static final long MARKER_MAC = 0x0200_0000_ff00L;
    private static final long PATIENCE_NS = Duration.ofSeconds(20).toNanos();
    private static final long POLL_NS = 50_000;

    private final List<AfPacketPort> ports = new ArrayList<>();
    private final Packet[] pool = new Packet[PacketBatch.CAPACITY];
    private final PacketBatch batch = new PacketBatch();
    private int markers;

    private FramePeers(String[] devices) {
        for (String device : devices) {
            ports.add(AfPacketPort.open(device, false));
        }
        for (int i = 0; i < pool.length; i++) {
            pool[i] = Packet.copyOf(new byte[Packet.MAX_FRAME_BYTES]);
        }
    }

    public static void main(String[] devices) throws IOException {
        FramePeers peers = new FramePeers(devices);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
        out.println(".");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            BitSet awaited = new BitSet();
            for (int i = 2; i < words.length; i++) {
                awaited.set(Integer.parseInt(words[i]));
            }
            peers.send(Integer.parseInt(words[0]), HexFormat.of().parseHex(words[1]), awaited, out);
        }
    }

    private void send(int from, byte[] frame, BitSet awaited, PrintStream out) {
        AfPacketPort port = ports.get(from);
        byte[] marker = marker(++markers);
        port.send(Packet.copyOf(frame));
        port.flush();
        port.send(Packet.copyOf(marker));
        port.flush();
        long untilNs = System.nanoTime() + PATIENCE_NS;
        while (!awaited.isEmpty() && System.nanoTime() - untilNs < 0) {
            if (!receive(markers, awaited, out)) {
                LockSupport.parkNanos(POLL_NS);
            }
        }
        out.println(awaited.isEmpty() ? "." : "no marker at " + awaited);
    }

    private boolean receive(int marker, BitSet awaited, PrintStream out) {
        boolean any = false;
        for (int i = 0; i < ports.size(); i++) {
            batch.clear();
            int length = ports.get(i).receive(pool, batch);
            any |= length > 0;
            for (int k = 0; k < length; k++) {
                byte[] frame = batch.get(k).toBytes();
                ByteBuffer buffer = ByteBuffer.wrap(frame);
                if ((buffer.getShort(12) & 0xffff) != MARKER_TYPE) {
                    out.println(i + " " + HexFormat.of().formatHex(frame));
                } else if (buffer.getInt(14) == marker) {
                    awaited.clear(i);
                }
            }
        }
        return any;
    }

    private static byte[] marker(int number) {
        return ByteBuffer.allocate(MARKER_BYTES)
                .putShort((short) -1)
                .putInt(-1)
                .putShort((short) (MARKER_MAC >>> 32))
                .putInt((int) MARKER_MAC)
                .putShort((short) MARKER_TYPE)
                .putInt(number)
                .array();
    }
}
