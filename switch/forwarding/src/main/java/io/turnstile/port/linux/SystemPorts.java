package io.turnstile.port.linux;

import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortFactory;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Opens devices of this machine; needs CAP_NET_RAW and CAP_NET_ADMIN for all but dummy ports.
 *
 * <p>Threads: any.
 */
public final class SystemPorts implements PortFactory {
    private final @Nullable ReceiveOffloadNotes notes;

    /** Ports whose devices are left changed if the process is killed. */
    public SystemPorts() {
        notes = null;
    }

    /**
     * Ports that note in a folder what they change about devices that are not theirs. What an earlier process has left
     * changed is put right now.
     */
    public SystemPorts(Path folder) {
        notes = new ReceiveOffloadNotes(folder);
        notes.settle();
    }

    /** @param options {@code gro=false} leaves a veth as it is, see {@link AfPacketPort#open} */
    @Override
    public Port open(String type, String name, Map<String, String> options) {
        return DeviceThread.call(() -> openHere(type, name, options));
    }

    private Port openHere(String type, String name, Map<String, String> options) {
        return switch (type) {
            case "", "system" -> AfPacketPort.open(name, !"false".equals(options.get("gro")), notes);
            case "internal", "tap" -> TapPort.open(name, type);
            case "dummy" -> new DummyPort(name, options, () -> System.currentTimeMillis() * 1000);
            default -> throw PortException.unknownType(name);
        };
    }
}
