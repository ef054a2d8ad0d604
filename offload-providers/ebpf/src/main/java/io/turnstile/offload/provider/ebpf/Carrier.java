package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BatchResult;
import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.Errno;
import io.turnstile.offload.spi.OffloadOperation.PathDel;
import io.turnstile.offload.spi.OffloadOperation.PathPut;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.OffloadResult.Carried;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which paths are carried, and what they have carried: the books of what {@link KernelTables} has.
 *
 * <p>One lock, this object's, for books and tables: a path that goes in cannot get the kernel's memory of one that has
 * just gone out before it is known that no CPU reads that any more.
 *
 * <p>Threads: any.
 */
final class Carrier implements AutoCloseable {
    private static final int SWEEP_SLICE = 1024;
    private static final int DESCRIBED_PORTS = 16;
    /** So many parts of the table have to be free before anybody is told that there is room again: one of them. */
    private static final int ROOM_SHARE = 64;

    private static final long NS_PER_MS = 1_000_000;

    private final ProviderContext context;
    private final int maxPaths;
    private final KernelTables tables;
    private final AttachedPorts ports;

    // All guarded by this.
    /** What the kernel has. */
    private final ByKey byKey = new ByKey();
    /** What it does not have any more, and who has put it has yet to delete; by its id. */
    private final Map<Long, CarriedPath> takenOut = new HashMap<>();
    /** Connections of which there is or was a path. */
    private final ByConnection byConnection = new ByConnection();

    private int held;
    private @Nullable CarriedPath[] byCounter = new CarriedPath[SWEEP_SLICE];
    private final IntStack freeCounters = new IntStack();
    private int countersUsed;
    /** Somebody was told that the table is full. */
    private boolean roomIsAwaited;

    private long packetsTold;
    private long bytesTold;

    Carrier(ProviderContext context, int maxPaths, Settling settling) throws BpfException {
        this(context, maxPaths, KernelTables.create(maxPaths, settling));
    }

    /** @param tables are closed with this */
    Carrier(ProviderContext context, int maxPaths, KernelTables tables) throws BpfException {
        this.context = context;
        this.maxPaths = maxPaths;
        this.tables = tables;
        try {
            ports = new AttachedPorts(context, tables);
        } catch (BpfException e) {
            tables.close();
            throw e;
        }
    }

    // --- connections
    // -----------------------------------------------------------------------------------------------------

    synchronized void hold() {
        held++;
    }

    /** Nothing of the connection is carried any more. */
    synchronized void release(long connectionId) throws BpfException {
        held--;
        ConnectionUse use = byConnection.find(connectionId);
        if (use != null) {
            List<CarriedPath> left = use.paths();
            takeOut(left);
            left.forEach(this::letGo);
            byConnection.remove(use);
        }
    }

    /** When its last packet was carried, ms since the epoch; 0: never. */
    synchronized long lastUseMs(long connectionId) {
        ConnectionUse use = byConnection.find(connectionId);
        if (use == null) {
            return 0;
        }
        long latestMs = use.endedMs;
        for (CarriedPath path = use.first; path != null; path = path.next) {
            latestMs = Math.max(latestMs, epochMs(path, System.nanoTime(), context.wallMs()));
        }
        return latestMs;
    }

    /** What is known of a connection's use, from its first path on. */
    private static final class ConnectionUse {
        final long connectionId;
        /** The first of its paths, which stand in a list. */
        @Nullable
        CarriedPath first;
        /** When a path that has ended was used last. */
        long endedMs;

        ConnectionUse(long connectionId) {
            this.connectionId = connectionId;
        }

        void add(CarriedPath path) {
            path.next = first;
            first = path;
        }

        void remove(CarriedPath path) {
            if (first == path) {
                first = path.next;
                return;
            }
            for (CarriedPath each = first; each != null; each = each.next) {
                if (each.next == path) {
                    each.next = path.next;
                    return;
                }
            }
        }

        List<CarriedPath> paths() {
            List<CarriedPath> all = new ArrayList<>(2);
            for (CarriedPath each = first; each != null; each = each.next) {
                all.add(each);
            }
            return all;
        }
    }

    private static final class ByConnection extends ProbedTable<ConnectionUse> {
        @Override
        long hash(ConnectionUse use) {
            return PathKey.mixed(use.connectionId, 0);
        }

        @Nullable
        ConnectionUse find(long connectionId) {
            long hash = PathKey.mixed(connectionId, 0);
            int place = first(hash);
            while (place != NONE && at(place).connectionId != connectionId) {
                place = next(place, hash);
            }
            return place == NONE ? null : at(place);
        }
    }

    // --- paths
    // -----------------------------------------------------------------------------------------------------------

    /** An answer for each, in the same order. */
    synchronized List<OffloadResult> put(List<PathPut> puts) {
        List<OffloadResult> answers = new ArrayList<>(puts.size());
        for (int from = 0; from < puts.size(); from += KernelTables.BATCH) {
            putBatch(puts.subList(from, Math.min(puts.size(), from + KernelTables.BATCH)), answers);
        }
        return answers;
    }

    private void putBatch(List<PathPut> puts, List<OffloadResult> answers) {
        OffloadResult[] batch = new OffloadResult[puts.size()];
        CarriedPath[] staged = new CarriedPath[puts.size()];
        int[] places = new int[puts.size()];
        int length = 0;
        for (int i = 0; i < puts.size(); i++) {
            Path path = puts.get(i).path();
            Verdict refusal = refusal(path);
            if (refusal != null) {
                batch[i] = refusal;
                continue;
            }
            CarriedPath carried = register(path);
            tables.stagePut(length, carried.key(), path, carried.counter, ports.xdpFlags(path, System.nanoTime()));
            staged[length] = carried;
            places[length++] = i;
        }
        for (int from = 0; from < length; ) {
            BatchResult result = tables.putStaged(from, length);
            int to = from + result.done();
            for (int i = from; i < to; i++) {
                batch[places[i]] = Verdict.accept();
            }
            BpfException failure = result.failure();
            // For want of room all that follow would fail as well; else the kernel is asked about each.
            from = failure == null || isWantOfRoom(failure) ? length : to + 1;
            for (int i = to; i < from; i++) {
                letGo(staged[i]);
                batch[places[i]] = refusal(failure);
            }
        }
        answers.addAll(Arrays.asList(batch));
    }

    private @Nullable Verdict refusal(Path path) {
        String obstacle = PathValue.obstacle(path);
        if (obstacle != null) {
            return Verdict.decline(obstacle);
        }
        if (byKey.find(PathKey.of(path)) != null) {
            return Verdict.later("another connection has the same packets");
        }
        if (freeCounters.isEmpty() && countersUsed == maxPaths) {
            return full();
        }
        String reason = ports.attach(path.ingress(), System.nanoTime());
        return reason == null ? null : Verdict.decline(reason);
    }

    private Verdict full() {
        roomIsAwaited = true;
        return Verdict.later("table is full: offload-ebpf-max-paths is " + maxPaths);
    }

    private static boolean isWantOfRoom(BpfException failure) {
        return failure.is(Errno.E2BIG) || failure.is(Errno.ENOMEM);
    }

    private Verdict refusal(@Nullable BpfException failure) {
        if (failure == null || failure.is(Errno.E2BIG)) {
            return full();
        }
        return Verdict.later(
                failure.is(Errno.ENOMEM)
                        ? "the kernel has no memory for it now"
                        : "not taken by the kernel: " + failure.summary());
    }

    /** Whether there is room, so much that it is worth while, after it was said that there is none; true once. */
    synchronized boolean hasRoomAgain() {
        int room = maxPaths - countersUsed + freeCounters.length();
        boolean again = roomIsAwaited && room > 0 && room >= maxPaths / ROOM_SHARE;
        roomIsAwaited &= !again;
        return again;
    }

    private CarriedPath register(Path path) {
        CarriedPath carried = new CarriedPath(path, freeCounters.isEmpty() ? countersUsed++ : freeCounters.pop());
        byKey.add(carried);
        if (carried.counter >= byCounter.length) {
            byCounter = Arrays.copyOf(byCounter, 2 * byCounter.length);
        }
        byCounter[carried.counter] = carried;
        ConnectionUse use = byConnection.find(path.connectionId());
        if (use == null) {
            use = new ConnectionUse(path.connectionId());
            byConnection.add(use);
        }
        use.add(carried);
        return carried;
    }

    /** By what frames find it. */
    private static final class ByKey extends ProbedTable<CarriedPath> {
        @Override
        long hash(CarriedPath carried) {
            return carried.key().hash();
        }

        @Nullable
        CarriedPath find(PathKey key) {
            long hash = key.hash();
            int place = first(hash);
            while (place != NONE && !at(place).key().equals(key)) {
                place = next(place, hash);
            }
            return place == NONE ? null : at(place);
        }
    }

    /** Null if it is not there, or was let go of. */
    private @Nullable CarriedPath find(Path path) {
        CarriedPath carried = byKey.find(PathKey.of(path));
        return carried != null && carried.path.id() == path.id() ? carried : takenOut.get(path.id());
    }

    /** Forgets a path that the kernel does not have. */
    private void letGo(CarriedPath carried) {
        if (carried.isCarried) {
            byKey.remove(carried);
        } else {
            takenOut.remove(carried.path.id(), carried);
        }
        byCounter[carried.counter] = null;
        freeCounters.push(carried.counter);
        ConnectionUse use = byConnection.find(carried.path.connectionId());
        if (use != null) {
            use.remove(carried);
            use.endedMs = Math.max(use.endedMs, epochMs(carried, System.nanoTime(), context.wallMs()));
        }
    }

    /** An answer for each, in the same order. */
    synchronized List<OffloadResult> delete(List<PathDel> deletes) {
        List<CarriedPath> present = new ArrayList<>(deletes.size());
        for (PathDel delete : deletes) {
            CarriedPath carried = find(delete.path());
            if (carried != null) {
                present.add(carried);
            }
        }
        List<OffloadResult> answers = new ArrayList<>(deletes.size());
        try {
            takeOut(present);
        } catch (BpfException e) {
            deletes.forEach(delete -> answers.add(new OffloadResult.Failed(e.summary(), e)));
            return answers;
        }
        for (PathDel delete : deletes) {
            CarriedPath carried = find(delete.path());
            if (carried == null) {
                answers.add(Carried.UNKNOWN);
            } else {
                answers.add(tell(carried));
                letGo(carried);
            }
        }
        return answers;
    }

    /** Has the kernel carry nothing by these paths from now on. */
    private void takeOut(List<CarriedPath> paths) throws BpfException {
        int length = 0;
        for (CarriedPath carried : paths) {
            if (carried.isCarried) {
                tables.stageKey(length++, carried.key());
                carried.isCarried = false;
                byKey.remove(carried);
                takenOut.put(carried.path.id(), carried);
            }
            if (length == KernelTables.BATCH) {
                tables.deleteStaged(length);
                length = 0;
            }
        }
        if (length > 0) {
            tables.deleteStaged(length);
        }
        if (!paths.isEmpty()) {
            tables.awaitUnused(ports::awaitGracePeriod);
        }
    }

    synchronized Carried statistics(Path path) {
        CarriedPath carried = find(path);
        return carried == null ? Carried.UNKNOWN : tell(carried);
    }

    private Carried tell(CarriedPath carried) {
        long packets = carried.tellPackets(tables.packets(carried.counter));
        long bytes = carried.tellBytes(tables.bytes(carried.counter));
        packetsTold += packets;
        bytesTold += bytes;
        return new Carried(epochMs(carried, System.nanoTime(), context.wallMs()), packets, bytes);
    }

    private long epochMs(CarriedPath carried, long nowNs, long nowMs) {
        long lastNs = tables.lastUseNs(carried.counter);
        return lastNs == 0 ? 0 : nowMs - Math.max(0, nowNs - lastNs) / NS_PER_MS;
    }

    // --- the sweep
    // -------------------------------------------------------------------------------------------------------

    /** Tells what has been carried since it was told last, some paths at a time, so that others get in between. */
    void sweep() {
        for (int from = 0; from >= 0 && !Thread.currentThread().isInterrupted(); ) {
            from = sweepSlice(from);
        }
    }

    /** The place to go on at; -1 at the end. */
    private synchronized int sweepSlice(int from) {
        int to = Math.min(countersUsed, from + SWEEP_SLICE);
        long nowNs = System.nanoTime();
        long nowMs = context.wallMs();
        for (int counter = from; counter < to; counter++) {
            CarriedPath carried = byCounter[counter];
            if (carried != null) {
                sweep(carried, nowNs, nowMs);
            }
        }
        return to == countersUsed ? -1 : to;
    }

    private void sweep(CarriedPath carried, long nowNs, long nowMs) {
        long packets = carried.tellPackets(tables.packets(carried.counter));
        long bytes = carried.tellBytes(tables.bytes(carried.counter));
        if (packets != 0 || bytes != 0) {
            packetsTold += packets;
            bytesTold += bytes;
            context.pathUsed(carried.path.id(), epochMs(carried, nowNs, nowMs), packets, bytes);
        }
    }

    // --- ports
    // -----------------------------------------------------------------------------------------------------------

    /** A port is as this says: paths that were made for another device or MTU are lost. */
    synchronized void portIs(PortRef port) throws BpfException {
        ports.forgetFailure(port.id());
        lose(
                path -> path.ingress().id() == port.id() && path.ingress().ifindex() != port.ifindex()
                        || path.egress().id() == port.id()
                                && (path.egress().ifindex() != port.ifindex()
                                        || path.egress().mtu() != port.mtu()),
                "a port has another device or MTU");
        PortRef attached = ports.attached(port.id());
        if (attached != null && attached.ifindex() != port.ifindex()) {
            ports.detach(port.id());
        }
    }

    /** Follows what has become of ports without a call that said so. */
    void followPorts() throws BpfException {
        for (PortRef port : followAttaching()) {
            int xdpFlags = XdpSending.ask(port); // without the lock: it may take a while
            followSending(port, xdpFlags);
        }
    }

    /** The ports that paths of XDP lead to. */
    private synchronized List<PortRef> followAttaching() throws BpfException {
        for (PortRef port : ports.attachedOtherwise()) {
            lose(path -> path.ingress().id() == port.id(), "port is attached otherwise");
            ports.detach(port.id());
        }
        return ports.sending().ports();
    }

    private synchronized void followSending(PortRef port, int xdpFlags) throws BpfException {
        if (ports.sending().isNews(port, xdpFlags)) {
            lose(
                    path -> path.egress().id() == port.id() && ports.isAtXdp(path.ingress()),
                    "XDP can send to a port that it could not, or the other way round");
        }
    }

    synchronized void portGone(PortRef port) throws BpfException {
        lose(path -> path.ingress().id() == port.id() || path.egress().id() == port.id(), "port gone");
        ports.forget(port.id());
    }

    private void lose(Predicate<Path> which, String reason) throws BpfException {
        List<CarriedPath> lost = new ArrayList<>();
        for (int counter = 0; counter < countersUsed; counter++) {
            CarriedPath carried = byCounter[counter];
            if (carried != null && carried.isCarried && which.test(carried.path)) {
                lost.add(carried);
            }
        }
        takeOut(lost);
        lost.forEach(carried -> context.pathLost(carried.path.id(), reason));
    }

    // --- seeing
    // ----------------------------------------------------------------------------------------------------------

    synchronized int paths() {
        return byKey.size();
    }

    long rewriteFailures() {
        return tables.statistic(Slot.DROPS);
    }

    long guardFailures() {
        return tables.statistic(Slot.GUARD_FAILURES);
    }

    synchronized List<String> describe() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "paths: %d of %d, connections held: %d", byKey.size(), maxPaths, held));
        lines.add(String.format(Locale.ROOT, "carried: %d packets, %d bytes", packetsTold, bytesTold));
        lines.add(String.format(
                Locale.ROOT,
                "guard or size failed: %d, dropped while rewriting: %d, decisions left over: %d",
                guardFailures(),
                rewriteFailures(),
                tables.statistic(Slot.STALE)));
        lines.add(String.format(
                Locale.ROOT,
                "kernel memory: %d KiB for maps, %s",
                tables.fixedBytes() >> 10,
                byKey.size() == 0 ? "no paths" : tables.pathBytes() / byKey.size() + " bytes a path"));
        lines.add("ports: " + some(ports.describe()));
        List<String> sentTo = ports.sending().describe();
        if (!sentTo.isEmpty()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "carried by XDP: %d frames; can be sent to by it: %s",
                    tables.statistic(Slot.XDP_FRAMES),
                    some(sentTo)));
        }
        return lines;
    }

    private static String some(List<String> texts) {
        StringBuilder names = new StringBuilder(Integer.toString(texts.size()));
        texts.stream().limit(DESCRIBED_PORTS).forEach(text -> names.append(' ').append(text));
        return names + (texts.size() > DESCRIBED_PORTS ? " …" : "");
    }

    /** How many bytes of the kernel's memory there are for maps, and how many for the paths there are now. */
    synchronized long[] kernelBytes() {
        return new long[] {tables.fixedBytes(), tables.pathBytes()};
    }

    @Override
    public synchronized void close() {
        ports.close();
        tables.close();
    }

    /** Numbers to be used again, the last one first, so that those in use stay close together. */
    private static final class IntStack {
        private int[] numbers = new int[64];
        private int length;

        boolean isEmpty() {
            return length == 0;
        }

        int length() {
            return length;
        }

        void push(int number) {
            if (length == numbers.length) {
                numbers = Arrays.copyOf(numbers, 2 * length);
            }
            numbers[length++] = number;
        }

        int pop() {
            return numbers[--length];
        }
    }
}
