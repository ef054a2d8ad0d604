package io.turnstile.embedded.model;

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
import org.jspecify.annotations.Nullable;

/**
 * A provider that accepts every path of TCP and UDP, and carries frames when a test hands them to it, or has carried
 * what the test says it has.
 *
 * <p>Threads: those that the switch calls it by, and the test's; one at a time.
 */
public class CarrierByHand implements OffloadProvider {
    /**
     * A frame that was carried.
     *
     * @param egress the port that it leaves by
     */
    public record Carried(PortRef egress, byte[] frame) {}

    /** What a device knows of its ports. */
    public interface Egress {
        /** Whether the port sends so many bytes behind the Ethernet header and a tag. */
        boolean fits(PortRef port, int networkBytes);
    }

    private static final class Use {
        long packets;
        long bytes;
        long epochMs;
    }

    public final Map<Long, Path> paths = new TreeMap<>();
    /** {@code put …} and {@code del …: reason}, in order. */
    public final List<String> log = new ArrayList<>();

    /** Whether it declines paths instead; how many it has. */
    public boolean declines;

    public int declined;

    private static final int TCP = 6;
    private static final int UDP = 17;

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
        if (connection.protocol() != TCP && connection.protocol() != UDP) {
            return Verdict.decline("neither TCP nor UDP");
        }
        if (declines) {
            declined++;
            return Verdict.decline("not these days");
        }
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
    public List<String> takeLog() {
        List<String> taken = List.copyOf(log);
        log.clear();
        return taken;
    }

    /** The path of that direction. */
    public Path path(String direction) {
        return paths.values().stream()
                .filter(path -> path.direction().toString().equals(direction))
                .findFirst()
                .orElseThrow();
    }

    /**
     * A frame comes in by the port of that name.
     *
     * @return what becomes of it; null if software has to see it
     */
    public @Nullable Carried forward(String ingress, byte[] bytes, Egress egress) {
        CarriedFrame frame = CarriedFrame.of(bytes);
        if (frame == null) {
            return null;
        }
        for (Path path : paths.values()) {
            if (path.ingress().name().equals(ingress) && frame.isFor(path)) {
                if (!egress.fits(path.egress(), frame.networkBytes())) {
                    return null;
                }
                carry(path, 1, bytes.length);
                return new Carried(path.egress(), frame.leavingBy(path));
            }
        }
        return null;
    }

    /** The device has carried packets of the path; nobody has been told yet. */
    public void carry(Path path, long packets, long bytes) {
        Use use = untold.computeIfAbsent(path.id(), _ -> new Use());
        use.packets += packets;
        use.bytes += bytes;
        use.epochMs = context.wallMs();
    }

    /** Tells all of it. */
    public void tell() {
        untold.forEach((id, use) -> context.pathUsed(id, use.epochMs, use.packets, use.bytes));
        untold.clear();
    }
}
