package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfSupport;
import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OfferMoment;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadOperation.PathDel;
import io.turnstile.offload.spi.OffloadOperation.PathPut;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Carries established TCP and UDP connections in the kernel. Takes every such connection; which of its directions it
 * carries is a matter of their paths: see the package description.
 *
 * <p>Works as root with Linux 6.6 or later; elsewhere {@link #init} says why not. Settings:
 * {@code other_config:offload-ebpf-max-paths} and {@code offload-ebpf-settle-us}, read when it comes up, and
 * {@code offload-ebpf-sweep-ms}.
 */
public final class EbpfProvider implements OffloadProvider {
    private volatile @Nullable Running running;

    private record Running(ProviderContext context, Carrier carrier, Sweeper sweeper, Settings settings) {}

    @Override
    public String name() {
        return "ebpf";
    }

    @Override
    public OfferMoment offeredFrom() {
        return OfferMoment.LASTING; // the work for a short one would cost more than carrying it saves
    }

    @Override
    public boolean carries() {
        return true;
    }

    @Override
    public void init(ProviderContext context) throws IOException {
        BpfSupport support = BpfSupport.probe();
        if (!support.isUsable()) {
            throw new IOException(support.obstacle().orElseThrow());
        }
        Settings settings = settings(context, context.settings());
        Carrier carrier = new Carrier(context, settings.maxPaths(), Settling.ofMicroseconds(settings.settleUs()));
        running = new Running(context, carrier, Sweeper.start(context, carrier, settings.sweepMs()), settings);
    }

    private static Settings settings(ProviderContext context, Map<String, String> settings) {
        return Settings.of(settings, complaint -> context.logger().log(Level.WARNING, complaint));
    }

    @Override
    public void settingsChanged(Map<String, String> settings) {
        Running now = running();
        Settings wanted = settings(now.context, settings);
        now.sweeper.every(wanted.sweepMs());
        if (wanted.maxPaths() != now.settings.maxPaths() || wanted.settleUs() != now.settings.settleUs()) {
            now.context
                    .logger()
                    .log(
                            Level.INFO,
                            "max-paths and settle-us count when the provider comes up next: hw-offload off and on");
        }
    }

    @Override
    public void close() throws InterruptedException {
        Running ended = running();
        running = null;
        ended.sweeper.close();
        ended.carrier.close();
    }

    private Running running() {
        Running now = running;
        if (now == null) {
            throw new IllegalStateException("ebpf is not up");
        }
        return now;
    }

    // --- connections
    // -----------------------------------------------------------------------------------------------------

    @Override
    public Verdict canOffload(ConnView connection) {
        return connection.protocol() == Frame.TCP || connection.protocol() == Frame.UDP
                ? Verdict.accept()
                : Verdict.decline("neither TCP nor UDP");
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        Verdict verdict = canOffload(connection);
        if (verdict instanceof Verdict.Accept) {
            running().carrier.hold();
        }
        return verdict;
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        return running().carrier.lastUseMs(connection.id());
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {
        unchecked(() -> running().carrier.release(connection.id()));
        tellRoom();
    }

    // --- paths
    // -----------------------------------------------------------------------------------------------------------

    /** Paths that go are taken out all together, then those that come are put in; the others one by one. */
    @Override
    public List<OffloadResult> operate(List<OffloadOperation> operations) {
        List<PathPut> puts = new ArrayList<>();
        List<PathDel> deletes = new ArrayList<>();
        for (OffloadOperation operation : operations) {
            if (operation instanceof PathPut put) {
                puts.add(put);
            } else if (operation instanceof PathDel delete) {
                deletes.add(delete);
            }
        }
        var deleted = deletes.isEmpty()
                ? List.<OffloadResult>of().iterator()
                : running().carrier.delete(deletes).iterator();
        var put = puts.isEmpty()
                ? List.<OffloadResult>of().iterator()
                : running().carrier.put(puts).iterator();
        tellRoom();
        OffloadResult[] results = new OffloadResult[operations.size()];
        for (int i = 0; i < results.length; i++) {
            OffloadOperation operation = operations.get(i);
            if (operation instanceof PathDel) {
                results[i] = deleted.next();
            } else if (operation instanceof PathPut) {
                results[i] = put.next();
            } else {
                results[i] = operateOne(operation);
            }
        }
        return Arrays.asList(results);
    }

    @Override
    public Verdict pathPut(ConnView connection, Path path) {
        return (Verdict)
                running().carrier.put(List.of(new PathPut(connection, path))).getFirst();
    }

    @Override
    public OffloadResult.Carried pathDel(ConnView connection, Path path, PathEnd reason) {
        OffloadResult result = running()
                .carrier
                .delete(List.of(new PathDel(connection, path, reason)))
                .getFirst();
        tellRoom();
        if (result instanceof OffloadResult.Carried carried) {
            return carried;
        }
        throw new IllegalStateException(result.toString());
    }

    /** Those who were told that the table is full hear of it once it is not any more. */
    private void tellRoom() {
        Running now = running();
        if (now.carrier.hasRoomAgain()) {
            now.context.room();
        }
    }

    @Override
    public OffloadResult.Carried pathStats(ConnView connection, Path path) {
        return running().carrier.statistics(path);
    }

    // --- ports
    // -----------------------------------------------------------------------------------------------------------

    @Override
    public void portAdded(PortRef port) {
        unchecked(() -> running().carrier.portIs(port));
    }

    @Override
    public void portChanged(PortRef port) {
        unchecked(() -> running().carrier.portIs(port));
    }

    @Override
    public void portRemoved(PortRef port) {
        unchecked(() -> running().carrier.portGone(port));
    }

    @Override
    public List<String> describe() {
        Running now = running;
        return now == null ? List.of() : now.carrier.describe();
    }

    /** What the sweeper does again and again. */
    void sweepNow() {
        running().carrier.sweep();
        unchecked(() -> running().carrier.followPorts());
    }

    private interface KernelCall {
        void run() throws BpfException;
    }

    private static void unchecked(KernelCall call) {
        try {
            call.run();
        } catch (BpfException e) {
            throw new UncheckedIOException(e);
        }
    }
}
