package io.turnstile.port;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Packet;
import io.turnstile.packet.PacketBatch;
import io.turnstile.packet.PacketParser;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A port in memory (type {@code dummy}): frames go in by {@link #deliver} and come out at listeners and in capture
 * files. It behaves as the dummy device of Open vSwitch does, which tests there and here are written for.
 *
 * <p>Threads: any, guarded by the port itself. Listeners are called by the sending thread, without a lock.
 */
public final class DummyPort implements Port {
    /** As in Open vSwitch: frames that nobody fetches are dropped beyond this. */
    public static final int QUEUE_LENGTH = 100;

    private static final Logger LOG = LoggerFactory.getLogger(DummyPort.class);
    private static final Set<String> SHOWN = Set.of("ifindex", "pstream", "stream");
    private static final long MAC_PREFIX = 0xaa55_0000_0000L;
    private static final long NUMBER_BASE = 0xaa55_0000L;
    private static final int DEFAULT_MTU_BYTES = 1500;
    private static final AtomicInteger OPENED = new AtomicInteger();

    private final String name;
    private final String type;
    private final LongSupplier wallTimeUs;
    private final List<Consumer<byte[]>> listeners = new CopyOnWriteArrayList<>();
    private volatile Runnable wakeup = () -> {};

    // Guarded by this.
    private final ArrayDeque<byte[]> queue = new ArrayDeque<>();
    private @Nullable PcapFile receivedCapture;
    private @Nullable PcapFile sentCapture;
    private volatile @Nullable DummyStream stream;
    private Map<String, String> options = Map.of();
    private long macAddress;
    private int mtuBytes = DEFAULT_MTU_BYTES;
    private boolean adminUp = true;
    private boolean closed;
    private long rxPackets;
    private long rxBytes;
    private long txPackets;
    private long txBytes;

    /** A port whose captures bear the system's time. */
    public DummyPort(String name) {
        this(name, Map.of(), () -> System.currentTimeMillis() * 1000);
    }

    /**
     * @param options {@code pstream} or {@code stream}: what joins it to other dummies; {@code pcap}: one capture file
     *     for both directions; or {@code rxq_pcap} and {@code tx_pcap}
     * @param wallTimeUs microseconds since the epoch, for the capture files
     */
    public DummyPort(String name, Map<String, String> options, LongSupplier wallTimeUs) {
        this(name, "dummy", options, wallTimeUs);
    }

    /** @param type {@code dummy}, or {@code dummy-internal} for a bridge's own port, as dpctl/show tells them apart */
    public DummyPort(String name, String type, Map<String, String> options, LongSupplier wallTimeUs) {
        this.name = name;
        this.type = type;
        this.wallTimeUs = wallTimeUs;
        // The first dummy device of Open vSwitch is aa:55:aa:55:00:00, the next ends with 01.
        this.macAddress = MAC_PREFIX | (NUMBER_BASE + OPENED.getAndIncrement()) & 0xffff_ffffL;
        setOptions(options);
    }

    /** Opens and closes streams and capture files as the options say now. */
    public void setOptions(Map<String, String> wanted) {
        synchronized (this) {
            if (wanted.equals(options)) {
                return;
            }
            setCaptures(wanted);
            options = wanted;
        }
        setStream(wanted);
    }

    private void setStream(Map<String, String> options) {
        String passive = options.get("pstream");
        String active = options.get("stream");
        if (passive != null && active != null) {
            LOG.warn("Open failed: both {} and {} are configured", passive, active);
            return;
        }
        String wanted = passive != null ? passive : active;
        DummyStream present = stream;
        if (present != null) {
            if (present.target().equals(wanted)) {
                return;
            }
            stream = null;
            present.close();
        }
        if (wanted != null) {
            try {
                stream = new DummyStream(wanted, this::deliver);
            } catch (IOException | IllegalArgumentException e) {
                LOG.warn("{}: open failed ({})", wanted, e.getMessage());
            }
        }
    }

    private void setCaptures(Map<String, String> options) {
        closeCaptures();
        if (options.containsKey("pcap")) {
            receivedCapture = new PcapFile(Path.of(options.get("pcap")));
            sentCapture = receivedCapture;
            return;
        }
        receivedCapture = options.containsKey("rxq_pcap") ? new PcapFile(Path.of(options.get("rxq_pcap"))) : null;
        sentCapture = options.containsKey("tx_pcap") ? new PcapFile(Path.of(options.get("tx_pcap"))) : null;
    }

    /** What {@code dpif/show} shows of its options, by their names' order. */
    public synchronized Map<String, String> shownOptions() {
        Map<String, String> shown = new TreeMap<>(options);
        shown.keySet().retainAll(SHOWN);
        if (type.equals("dummy-pmd")) { // it has one queue each way, whatever is asked for
            shown.putAll(Map.of("n_rxq", "1", "n_txq", "1", "numa_id", "0"));
        }
        return shown;
    }

    /**
     * Whether it is joined to another by a stream: {@code connected} or {@code disconnected}; {@code unknown} if others
     * connect to it, or nobody does.
     */
    public String connectionState() {
        DummyStream present = stream;
        return (present == null ? DummyStream.State.UNKNOWN : present.state()).label();
    }

    /**
     * A frame arrives.
     *
     * @return false if it was dropped: the port is closed or its queue full
     */
    public boolean deliver(byte[] frame) {
        synchronized (this) {
            if (receivedCapture != null) {
                receivedCapture.write(frame, wallTimeUs.getAsLong());
            }
            if (closed || queue.size() >= QUEUE_LENGTH) {
                return false;
            }
            queue.add(frame.clone());
        }
        wakeup.run();
        return true;
    }

    /**
     * Every frame that the switch sends is given to {@code listener}, as an array that the listener may keep and
     * change.
     */
    public void onSent(Consumer<byte[]> listener) {
        listeners.add(listener);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return type;
    }

    @Override
    public int pollDescriptor() {
        return -1;
    }

    @Override
    public void onReadable(Runnable wakeup) {
        this.wakeup = wakeup;
    }

    @Override
    public synchronized boolean hasPending() {
        return !queue.isEmpty();
    }

    /**
     * One frame at a time, as in Open vSwitch: within a batch packets of one flow go together, and a script that
     * delivers frames of several flows counts on their order.
     */
    @Override
    public synchronized int receive(Packet[] pool, PacketBatch into) {
        while (!into.isFull() && !queue.isEmpty()) {
            byte[] frame = queue.poll();
            Packet packet = pool[into.length()];
            if (frame.length + Packet.HEADROOM_BYTES > packet.buffer().byteSize()) {
                continue;
            }
            packet.reset(frame.length);
            MemorySegment.copy(frame, 0, packet.buffer(), ValueLayout.JAVA_BYTE, packet.frameStart(), frame.length);
            rxPackets++;
            rxBytes += frame.length;
            into.add(packet);
            return 1;
        }
        return 0;
    }

    /** Listeners and capture files have the frame when this returns; there is nothing left to flush. */
    @Override
    public void send(Packet packet) {
        if (packet.segmentBytes() != 0) {
            GsoSegmenter.forEachSegment(packet, this::sendFrame);
            return;
        }
        if (packet.checksumState() == Packet.ChecksumState.PARTIAL) {
            InternetChecksum.complete(packet);
        }
        sendFrame(packet);
    }

    private void sendFrame(Packet packet) {
        byte[] frame = packet.toBytes();
        synchronized (this) {
            if (closed || frame.length < PacketParser.ETHERNET_BYTES || frame.length > maxFrameBytes(packet)) {
                return;
            }
            txPackets++;
            txBytes += frame.length;
            if (sentCapture != null) {
                sentCapture.write(frame, wallTimeUs.getAsLong());
            }
        }
        DummyStream joined = stream;
        if (joined != null) {
            joined.send(frame);
        }
        for (Consumer<byte[]> listener : listeners) {
            listener.accept(frame.clone());
        }
    }

    private int maxFrameBytes(Packet packet) {
        int tagBytes = packet.u16(12) == EtherTypes.VLAN ? PacketParser.VLAN_TAG_BYTES : 0;
        return mtuBytes + PacketParser.ETHERNET_BYTES + tagBytes;
    }

    @Override
    public void flush() {}

    /** As in Open vSwitch, nobody knows what a dummy has dropped. */
    @Override
    public synchronized PortStatistics statistics() {
        return new PortStatistics(
                rxPackets,
                rxBytes,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                txPackets,
                txBytes,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN,
                PortStatistics.UNKNOWN);
    }

    /** Two that stay at 0, for scripts that look at how such counters are told of, and those of its only queue. */
    @Override
    public synchronized Map<String, Long> customCounters() {
        return new TreeMap<>(Map.of(
                "rx_custom_packets_1", 0L,
                "rx_custom_packets_2", 0L,
                "rx_q0_bytes", rxBytes,
                "rx_q0_packets", rxPackets,
                "tx_q0_bytes", txBytes,
                "tx_q0_packets", txPackets));
    }

    @Override
    public List<PortQueue> queues() {
        return List.of(PortQueue.uncounted(0));
    }

    @Override
    public synchronized LinkStatus linkStatus() {
        return new LinkStatus(adminUp, adminUp, macAddress, mtuBytes, 0, 0, 0);
    }

    @Override
    public synchronized void setAdminUp(boolean up) {
        adminUp = up;
    }

    @Override
    public synchronized void setMacAddress(long macAddress) {
        this.macAddress = macAddress;
    }

    @Override
    public synchronized void setMtu(int mtuBytes) {
        this.mtuBytes = mtuBytes;
    }

    private void closeCaptures() {
        if (receivedCapture != null) {
            receivedCapture.close();
        }
        if (sentCapture != null && sentCapture != receivedCapture) {
            sentCapture.close();
        }
        receivedCapture = null;
        sentCapture = null;
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            queue.clear();
            closeCaptures();
        }
        DummyStream joined = stream;
        if (joined != null) { // Without the lock: its thread may be about to deliver.
            joined.close();
        }
    }
}
