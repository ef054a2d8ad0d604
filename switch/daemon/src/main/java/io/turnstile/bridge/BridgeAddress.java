package io.turnstile.bridge;

import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.time.OncePerMinute;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The choice of one bridge's Ethernet address, which its local port bears, and its datapath id
 * ({@code other_config:hwaddr} and {@code datapath-id}, ovs-vswitchd.conf.db(5)).
 *
 * <p>Threads: the reconciler's.
 */
final class BridgeAddress {
    private static final Logger LOG = LoggerFactory.getLogger(BridgeAddress.class);
    private static final OncePerMinute TOLD = new OncePerMinute();

    private final String bridge;
    private final BridgePipeline pipeline;
    private final SettingsReader settings;
    /** The bridge's address while none of its ports lends it one. */
    private final long ownMac = MacText.randomStation();

    BridgeAddress(String bridge, BridgePipeline pipeline, SettingsReader settings) {
        this.bridge = bridge;
        this.pipeline = pipeline;
        this.settings = settings;
    }

    /** Chooses hwaddr, else the lowest address of the ports, else one of its own; the datapath id follows it. */
    void reconfigure(Map<String, String> otherConfig, BridgePorts ports) {
        OptionalLong wanted = hwaddr(otherConfig.get("hwaddr"));
        if (wanted.isEmpty()) {
            wanted = ports.ifaces().stream()
                    .filter(iface ->
                            iface.device() != null && !iface.device().type().endsWith("internal"))
                    .mapToLong(BridgeAddress::presentMac)
                    .filter(MacText::isUsableForBridge)
                    .min();
        }
        long mac = wanted.orElse(ownMac);
        setLocalAddress(ports.iface(bridge), mac);
        long id = datapathId(otherConfig.get("datapath-id"), mac);
        if (pipeline.datapathId() != id) {
            pipeline.setDatapathId(id);
            LOG.info("bridge {}: using datapath ID {}", bridge, "%016x".formatted(id));
        }
    }

    /** The port's address; 0, which is none, if its device is just going. The next look at the links says so. */
    private static long presentMac(Iface iface) {
        try {
            return iface.linkStatus().macAddress();
        } catch (PortException e) {
            return 0;
        }
    }

    private OptionalLong hwaddr(@Nullable String text) {
        OptionalLong mac = text == null ? OptionalLong.empty() : MacText.parseStation(text);
        settings.check("hwaddr", text, text == null || mac.isPresent(), "not the address of one station, ignored");
        return mac;
    }

    private void setLocalAddress(@Nullable Iface local, long mac) {
        Port device = local == null ? null : local.device();
        if (device != null) {
            try {
                if (device.linkStatus().macAddress() != mac) {
                    device.setMacAddress(mac);
                }
            } catch (PortException e) {
                if (TOLD.isDue(bridge, e)) {
                    LOG.warn("bridge {}: {}", bridge, e.getMessage());
                }
            }
        }
    }

    private long datapathId(@Nullable String text, long mac) {
        long id = text == null ? 0 : parseDatapathId(text);
        settings.note(
                "datapath-id", text, text == null || id != 0, "not 16 hexadecimal digits other than zero, ignored");
        return id != 0 ? id : mac;
    }

    /** The id as it is written, with all 16 digits or with 0x and some of them; 0 if it is none. */
    private static long parseDatapathId(String text) {
        boolean prefixed = text.startsWith("0x");
        String digits = prefixed ? text.substring(2) : text;
        boolean valid = digits.matches("[0-9a-fA-F]{1,16}") && (prefixed || digits.length() == 16);
        return valid ? Long.parseUnsignedLong(digits, 16) : 0;
    }
}
