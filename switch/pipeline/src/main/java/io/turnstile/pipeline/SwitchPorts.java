package io.turnstile.pipeline;

import io.turnstile.datapath.Datapath;
import io.turnstile.datapath.DatapathPort;
import io.turnstile.offload.PortDirectory;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.PortException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The datapath's ports as offload providers are told of them: identity, bridge and OpenFlow number, and what the device
 * last said of itself. Patch ports are none of them: no packet comes in by one.
 *
 * <p>Follows by itself which ports there are and which bridge has them. That a device has another address, MTU or index
 * is found by {@link #refresh()}.
 *
 * <p>Threads: any. Looking takes no lock; a refresh takes this object's, then the table lock for reading.
 */
public final class SwitchPorts implements PortDirectory {
    private static final String IN_MEMORY = "dummy-";
    private static final LinkStatus UNKNOWN = new LinkStatus(false, false, 0, 0, 0, 0, 0);

    private final Pipeline pipeline;
    private final Datapath datapath;
    /** Indexed by datapath port number; replaced as a whole under this object's lock. */
    private volatile PortRef[] byNumber = {};

    private volatile Map<Long, Map<String, String>> offloadOptions = Map.of();
    private volatile Runnable listener = () -> {};

    SwitchPorts(Pipeline pipeline, Datapath datapath) {
        this.pipeline = pipeline;
        this.datapath = datapath;
    }

    /** Has {@code listener} told when anything here is not as it was; by whoever changed it. Must be quick. */
    public void onChange(Runnable listener) {
        this.listener = listener;
    }

    @Override
    public PortRef port(int portNumber) {
        PortRef[] present = byNumber;
        return portNumber >= 0 && portNumber < present.length ? present[portNumber] : PortRef.GONE;
    }

    @Override
    public List<PortRef> ports() {
        return Arrays.stream(byNumber).filter(port -> !port.isGone()).toList();
    }

    @Override
    public @Nullable String filterReceived(long portId, int programFd) {
        DatapathPort entry = entry(portId);
        return entry == null ? "the port is gone" : entry.port().filterReceived(programFd);
    }

    @Override
    public void stopFiltering(long portId) {
        DatapathPort entry = entry(portId);
        if (entry != null) {
            entry.port().stopFiltering();
        }
    }

    @Override
    public Map<String, String> offloadOptions(long portId) {
        return offloadOptions.getOrDefault(portId, Map.of());
    }

    /**
     * What the operator says of ports to whoever carries, by their identities; in place of all that was said before.
     */
    public void setOffloadOptions(Map<Long, Map<String, String>> options) {
        offloadOptions = Map.copyOf(options);
    }

    private @Nullable DatapathPort entry(long portId) {
        for (int number = datapath.highestPortNumber(); number >= 0; number--) {
            DatapathPort entry = datapath.portEntry(number);
            if (entry != null && entry.id() == portId) {
                return entry;
            }
        }
        return null;
    }

    /** Looks at all ports again; asks no device. */
    public void refresh() {
        boolean changed = false;
        synchronized (this) {
            for (int number = datapath.highestPortNumber(); number >= 0; number--) {
                changed |= look(number);
            }
        }
        if (changed) {
            listener.run();
        }
    }

    /** Looks at one port again, that came, went or moved. Nothing happens for one that is none of the datapath's. */
    void refresh(int number) {
        boolean changed;
        synchronized (this) {
            changed = number >= 0 && look(number);
        }
        if (changed) {
            listener.run();
        }
    }

    private boolean look(int number) {
        PortRef now = describe(datapath.portEntry(number));
        if (now.equals(port(number))) {
            return false;
        }
        PortRef[] before = byNumber;
        PortRef[] after = Arrays.copyOf(before, Math.max(before.length, number + 1));
        Arrays.fill(after, before.length, after.length, PortRef.GONE);
        after[number] = now;
        byNumber = after;
        return true;
    }

    private PortRef describe(@Nullable DatapathPort entry) {
        if (entry == null) {
            return PortRef.GONE;
        }
        PortLocation location = pipeline.read(() -> pipeline.portLocations().locate(entry.number()));
        LinkStatus link = lastLinkStatus(entry);
        String type = entry.port().type();
        return new PortRef(
                entry.id(),
                entry.number(),
                entry.port().name(),
                location == null ? null : location.bridge().name(),
                location == null ? -1 : location.number() & 0xffff, // LOCAL is 65534, as in Interface:ofport.
                type.startsWith(IN_MEMORY) ? type.substring(IN_MEMORY.length()) : type,
                link.ifIndex(),
                link.macAddress(),
                link.mtuBytes());
    }

    private static LinkStatus lastLinkStatus(DatapathPort entry) {
        try {
            return entry.port().lastLinkStatus();
        } catch (PortException e) { // its device is just going
            return UNKNOWN;
        }
    }
}
