package io.turnstile.stories;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.Counter;
import io.turnstile.offload.spi.DelReason;
import io.turnstile.offload.spi.Gauge;
import io.turnstile.offload.spi.OffloadProvider;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Takes every connection, lets go of each slowly, and writes down at its close what it still holds. Its settings say
 * how slowly, and where that is written. Reaches the switch in a jar, as a vendor's provider does.
 */
public final class HoardingProvider implements OffloadProvider {
    /** Microseconds for each delete. */
    static final String DELETE_US = "delete-us";
    /** The file to write to at the close. */
    static final String FILE = "file";

    private final Set<Long> held = ConcurrentHashMap.newKeySet();
    private Counter added = count -> {};
    private Counter deleted = count -> {};
    private Gauge deleteUs = value -> {};
    private volatile Map<String, String> settings = Map.of();

    @Override
    public String name() {
        return "hoarding";
    }

    @Override
    public void init(ProviderContext context) {
        added = context.counter("added", "connections taken");
        deleted = context.counter("deleted", "connections let go of");
        deleteUs = context.gauge("delete_us", "how long letting go takes");
        settingsChanged(context.settings());
    }

    @Override
    public void settingsChanged(Map<String, String> changed) {
        settings = changed;
        deleteUs.set(deleteUs(changed));
    }

    private static long deleteUs(Map<String, String> settings) {
        return Long.parseLong(settings.getOrDefault(DELETE_US, "0"));
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        held.add(connection.id());
        added.add(1);
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
    public void connDel(ConnView connection, DelReason reason) {
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(deleteUs(settings)));
        held.remove(connection.id());
        deleted.add(1);
    }

    @Override
    public void close() throws IOException {
        String file = settings.get(FILE);
        if (file != null) {
            Files.writeString(Path.of(file), "closed, " + held.size() + " held");
        }
    }

    @Override
    public List<String> describe() {
        return List.of("hoarded: " + held.size());
    }
}
