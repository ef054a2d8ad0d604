package io.turnstile.embedded;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PathEnd;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A provider that accepts every path and carries what the test says it has. */
final class CarrierByHand implements OffloadProvider {
    private static final class Use {
        long packets;
        long bytes;
        long epochMs;
    }

    final Map<Long, Path> paths = new TreeMap<>();
    /** {@code put …} and {@code del …: reason}, in order. */
    final List<String> log = new ArrayList<>();

    private final Map<Long, Use> untold = new TreeMap<>();
    private ProviderContext context;

    @Override
    public String name() {
        return "hand";
    }

    @Override
    public boolean carries() {
        return true;
    }

    @Override
    public void init(ProviderContext context) {
        this.context = context;
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        return Verdict.accept();
    }

    @Override
    public boolean connEstablished(ConnView connection, PortRef replyIngress) {
        return true;
    }

    @Override
    public long connUpdate(ConnView connection) {
        return 0;
    }

    @Override
    public void connDel(ConnView connection, DelReason reason) {}

    @Override
    public Verdict pathPut(ConnView connection, Path path) {
        paths.put(path.id(), path);
        log.add("put " + path);
        return Verdict.accept();
    }

    @Override
    public OffloadResult.Carried pathDel(ConnView connection, Path path, PathEnd reason) {
        paths.remove(path.id());
        log.add("del " + path.direction() + ": " + reason);
        Use use = untold.remove(path.id());
        return use == null
                ? new OffloadResult.Carried(0, 0, 0)
                : new OffloadResult.Carried(use.epochMs, use.packets, use.bytes);
    }

    /** What has happened since the last time. */
    List<String> takeLog() {
        List<String> taken = List.copyOf(log);
        log.clear();
        return taken;
    }

    /** The path of that direction. */
    Path path(String direction) {
        return paths.values().stream()
                .filter(path -> path.direction().toString().equals(direction))
                .findFirst()
                .orElseThrow();
    }

    /** The device has carried packets of the path; nobody has been told yet. */
    void carry(Path path, long packets, long bytes) {
        Use use = untold.computeIfAbsent(path.id(), _ -> new Use());
        use.packets += packets;
        use.bytes += bytes;
        use.epochMs = context.wallMs();
    }

    /** Tells all of it. */
    void tell() {
        untold.forEach((id, use) -> context.pathUsed(id, use.epochMs, use.packets, use.bytes));
        untold.clear();
    }
}
