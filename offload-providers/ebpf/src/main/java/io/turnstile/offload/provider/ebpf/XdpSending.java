package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.DeviceAbilities;
import io.turnstile.offload.spi.PortRef;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which ports frames can be redirected to by XDP: those of which it was asked. A device that cannot be drops them, and
 * that it cannot may begin at any time, so it is looked at again and again.
 *
 * <p>Threads: one at a time, which its owner's lock sees to.
 */
final class XdpSending {
    private final Map<Long, Known> byPort = new HashMap<>();

    private record Known(PortRef port, int flags) {
        @Override
        public String toString() {
            return port + (flags == 0 ? " no" : (flags & Flag.XDP_FRAGMENTS) != 0 ? " yes" : " without fragments");
        }
    }

    /** Those of {@link Flag#XDP} and {@link Flag#XDP_FRAGMENTS} that paths to the port get. */
    int flags(PortRef port) {
        Known known = byPort.get(port.id());
        if (known == null || known.port.ifindex() != port.ifindex()) {
            known = new Known(port, ask(port));
            byPort.put(port.id(), known);
        }
        return known.flags;
    }

    /** Asks the kernel, which may take a while where somebody else changes devices just now. Threads: any. */
    static int ask(PortRef port) {
        try {
            DeviceAbilities device = DeviceAbilities.of(port.ifindex());
            return (device.sendsXdp() ? Flag.XDP : 0)
                    | (device.sendsXdp() && device.sendsXdpFragments() ? Flag.XDP_FRAGMENTS : 0);
        } catch (BpfException e) { // it is gone, or just going
            return 0;
        }
    }

    void forget(long portId) {
        byPort.remove(portId);
    }

    List<PortRef> ports() {
        return byPort.values().stream().map(Known::port).toList();
    }

    /** What was asked is not what was known. Does nothing for a port that has been forgotten meanwhile. */
    boolean isNews(PortRef port, int flags) {
        Known known = byPort.get(port.id());
        if (known == null || !known.port.equals(port) || known.flags == flags) {
            return false;
        }
        byPort.put(port.id(), new Known(port, flags));
        return true;
    }

    List<String> describe() {
        return byPort.values().stream().map(Known::toString).sorted().toList();
    }
}
