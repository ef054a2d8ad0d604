package io.turnstile.port.linux;

import io.turnstile.port.DummyPort;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortFactory;
import java.util.Map;

/**
 * Opens devices of this machine; needs CAP_NET_RAW and CAP_NET_ADMIN for all but dummy ports.
 *
 * <p>Threads: any.
 */
public final class SystemPorts implements PortFactory {

    /** @param options {@code gro=false} leaves a veth as it is, see {@link AfPacketPort#open} */
    @Override
    public Port open(String type, String name, Map<String, String> options) {
        return DeviceThread.call(() -> openHere(type, name, options));
    }

    private static Port openHere(String type, String name, Map<String, String> options) {
        return switch (type) {
            case "", "system" -> AfPacketPort.open(name, !"false".equals(options.get("gro")));
            case "internal", "tap" -> TapPort.open(name, type);
            case "dummy" -> new DummyPort(name, options, () -> System.currentTimeMillis() * 1000);
            default -> throw PortException.unknownType(name);
        };
    }
}
