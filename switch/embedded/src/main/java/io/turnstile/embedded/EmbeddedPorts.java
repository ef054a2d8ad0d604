package io.turnstile.embedded;

import io.turnstile.packet.Packet;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.port.DummyPort;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntUnaryOperator;

/**
 * The ports of one bridge: ports in memory, each with what was sent by it and not yet taken, and patch ports.
 *
 * <p>Threads: the test's; frames are sent by any.
 */
final class EmbeddedPorts {
    static final int MAX_NUMBER = OfAction.Ports.MAX_16_BITS - 1;
    private static final int NO_DATAPATH_PORT = -1;
    /** Longer than any frame, so that every packet fits. */
    private static final int MTU_BYTES = 65_535;

    private record Plugged(DummyPort port, int datapathNumber, Queue<byte[]> sent) {}

    private final SwitchCore core;
    private final BridgePipeline bridge;
    private final String namePrefix;
    private final IntUnaryOperator datapathNumbers;
    private final Map<Integer, Plugged> plugged = new TreeMap<>();
    private final Set<Integer> patches = new HashSet<>();

    /**
     * @param namePrefix the port's number is put behind it
     * @param datapathNumbers what number a port of an OpenFlow number gets in the datapath
     */
    EmbeddedPorts(SwitchCore core, BridgePipeline bridge, String namePrefix, IntUnaryOperator datapathNumbers) {
        this.core = core;
        this.bridge = bridge;
        this.namePrefix = namePrefix;
        this.datapathNumbers = datapathNumbers;
        plug(OfAction.Ports.LOCAL, bridge.name());
    }

    /** Whether that is the number of one port rather than a word for several or none. */
    static boolean isNumber(int number) {
        return number >= 1 && number <= MAX_NUMBER || number == OfAction.Ports.LOCAL;
    }

    DummyPort add(int number) {
        requireFree(number);
        return plug(number, namePrefix + number);
    }

    private void requireFree(int number) {
        if (number < 1 || number > MAX_NUMBER) {
            throw new IllegalArgumentException("OpenFlow port numbers are 1 to " + MAX_NUMBER + ", not " + number);
        }
        if (plugged.containsKey(number) || patches.contains(number)) {
            throw new IllegalArgumentException(bridge.name() + " has a port " + number + " already");
        }
    }

    private DummyPort plug(int number, String name) {
        DummyPort port = new DummyPort(name, Map.of(), () -> core.clock.wallMs() * 1000);
        port.setMtu(MTU_BYTES);
        Queue<byte[]> sent = new ConcurrentLinkedQueue<>();
        port.onSent(sent::add);
        int datapathNumber = core.datapath.addPort(port, datapathNumbers.applyAsInt(number));
        bridge.addPort(
                new OfPort(number, datapathNumber, name, port.linkStatus().macAddress(), 0, 0, null, 0));
        plugged.put(number, new Plugged(port, datapathNumber, sent));
        return port;
    }

    /** One end of a patch; it works once the other end is there too. */
    void addPatch(int number, String peerName) {
        requireFree(number);
        bridge.addPort(new OfPort(number, NO_DATAPATH_PORT, patchName(number), 0, 0, 0, peerName, 0));
        patches.add(number);
    }

    void requireRoomForPatch(int number) {
        requireFree(number);
    }

    String patchName(int number) {
        return "patch-" + bridge.name() + "-" + number;
    }

    void remove(int number) {
        core.excuseMissing(bridge, number);
        if (patches.remove(number)) {
            bridge.removePort(number);
            return;
        }
        Plugged gone = find(number);
        plugged.remove(number);
        bridge.removePort(number);
        core.datapath.removePort(gone.datapathNumber);
        gone.port.close();
    }

    DummyPort port(int number) {
        return find(number).port;
    }

    private Plugged find(int number) {
        Plugged found = plugged.get(number);
        if (found != null) {
            return found;
        }
        throw new IllegalArgumentException(
                patches.contains(number)
                        ? "port " + number + " of " + bridge.name()
                                + " is a patch port: no frame comes in or out there from outside"
                        : MissingPort.noSuchPort(bridge.name(), number));
    }

    void deliver(int number, byte[] frame) {
        DummyPort port = find(number).port;
        if (frame.length == 0) {
            throw new IllegalArgumentException("an empty frame");
        }
        if (frame.length > Packet.MAX_FRAME_BYTES) {
            throw new IllegalArgumentException(
                    "a frame of " + frame.length + " bytes is longer than any port takes, " + Packet.MAX_FRAME_BYTES);
        }
        if (!port.deliver(frame)) {
            throw new IllegalStateException("port " + number + " of " + bridge.name()
                    + " takes no frame: it is closed, or " + DummyPort.QUEUE_LENGTH + " frames wait there already");
        }
    }

    List<byte[]> takeSent(int number) {
        return takeAll(find(number).sent);
    }

    /** Puts back what was taken, in front of what has come since. */
    void putBack(int number, List<byte[]> taken) {
        Queue<byte[]> sent = find(number).sent;
        List<byte[]> since = takeAll(sent);
        sent.addAll(taken);
        sent.addAll(since);
    }

    static <T> List<T> takeAll(Queue<T> queue) {
        List<T> all = new ArrayList<>();
        for (T next = queue.poll(); next != null; next = queue.poll()) {
            all.add(next);
        }
        return all;
    }

    void close() {
        plugged.values().forEach(each -> each.port.close());
    }
}
