package io.turnstile.port;

import io.turnstile.port.linux.AfPacketPort;
import io.turnstile.port.linux.TapPort;
import java.util.Map;

/** Opens a port by the type that {@code Interface:type} names. Threads: any. */
@FunctionalInterface
public interface PortFactory {

    /**
     * @param type {@code system} or empty, {@code internal}, {@code tap}, {@code dummy}
     * @param options {@code Interface:options}; {@code gro=false} leaves a veth as it is, see {@link AfPacketPort#open}
     * @throws PortException with the message that Interface:error shows
     */
    Port open(String type, String name, Map<String, String> options);

    /** Opens devices of this machine; needs CAP_NET_RAW and CAP_NET_ADMIN for all but dummy ports. */
    static PortFactory system() {
        return (type, name, options) -> switch (type) {
            case "", "system" -> AfPacketPort.open(name, !"false".equals(options.get("gro")));
            case "internal", "tap" -> TapPort.open(name, type);
            case "dummy" -> new DummyPort(name, options, () -> System.currentTimeMillis() * 1000);
            default -> throw unknownType(name);
        };
    }

    /** Everything becomes a dummy port of that name: {@code --enable-dummy=override}, and the embedded switch. */
    static PortFactory dummy() {
        return (type, name, options) -> switch (type) {
            case "", "system", "internal", "tap", "dummy" ->
                new DummyPort(name, options, () -> System.currentTimeMillis() * 1000);
            default -> throw unknownType(name);
        };
    }

    /** Worded as ovs-vsctl shows it of the peer. */
    private static PortException unknownType(String name) {
        return new PortException(
                "could not open network device " + name + " (Address family not supported by protocol)");
    }
}
