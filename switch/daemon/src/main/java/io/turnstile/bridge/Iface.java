package io.turnstile.bridge;

import io.turnstile.pipeline.OfPort;
import io.turnstile.port.DummyPort;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One interface of a {@link BridgePort}: attached to the bridge under an OpenFlow port number, or failing with an error
 * that its row shows.
 *
 * <p>Threads: the reconciler's.
 */
final class Iface {
    static final int NO_OFPORT = -1;
    private static final int PATCH_MTU_BYTES = 0;
    private static final Set<String> ATTACHED = Set.of("auto", "tcx", "xdp", "none");

    private final SettingsReader settings;
    private BridgePort port;
    private InterfaceConfig config;
    private DatapathPorts.@Nullable Opened opened; // null: a patch port, or failing
    private int ofport = NO_OFPORT;
    private int formerOfport = NO_OFPORT;
    private @Nullable String openError;
    private @Nullable String settingError;
    private long patchMac;

    Iface(BridgePort port, InterfaceConfig config) {
        this.port = port;
        this.config = config;
        settings = new SettingsReader("interface " + config.name());
    }

    /** Takes over what is wanted; {@link #applySettings} makes the device follow. */
    void setConfig(BridgePort owner, InterfaceConfig wanted) {
        port = owner;
        config = wanted;
    }

    /** Whether its device goes on with other options: a dummy does, as long as they are not meant for providers. */
    boolean canTakeOptionsOf(InterfaceConfig wanted) {
        return device() instanceof DummyPort
                && wanted.hasDeviceOf(config.withOptions(wanted.options()))
                && offloadOptions(wanted.options()).equals(offloadOptions());
    }

    /** Leaves the interface without port, for the reason given. */
    void fail(@Nullable String error) {
        openError = error;
        formerOfport = ofport == NO_OFPORT ? formerOfport : ofport;
        ofport = NO_OFPORT;
        opened = null;
    }

    void attach(DatapathPorts.Opened device, int number) {
        opened = device;
        ofport = number;
        openError = null;
    }

    void attachPatch(int number) {
        ofport = number;
        openError = null;
        patchMac = MacText.randomStation();
    }

    BridgePort port() {
        return port;
    }

    InterfaceConfig config() {
        return config;
    }

    String name() {
        return config.name();
    }

    boolean isAttached() {
        return ofport != NO_OFPORT;
    }

    /** The OpenFlow port number, {@link #NO_OFPORT} while failing. */
    int ofport() {
        return ofport;
    }

    /** The number that it had before it failed. */
    int formerOfport() {
        return formerOfport;
    }

    /** The open device; null for a patch port, and while failing. */
    DatapathPorts.@Nullable Opened opened() {
        return opened;
    }

    /** The device; null for a patch port, and while failing. */
    @Nullable
    Port device() {
        return opened == null ? null : opened.port();
    }

    /** What keeps the interface from being attached; null if nothing does. */
    @Nullable
    String openError() {
        return openError;
    }

    /** What Interface:error shows: empty if nothing is wrong. */
    List<Object> errors(@Nullable String patchError) {
        return Stream.of(openError, settingError, patchError)
                .filter(Objects::nonNull)
                .limit(1)
                .map(Object.class::cast)
                .toList();
    }

    /**
     * Applies {@code Interface:mac} and {@code mtu_request}; what the device refuses is shown, and tried again next
     * time.
     */
    void applySettings() {
        settingError = null;
        OptionalLong mac = wantedMac();
        checkOffloadAttach();
        if (opened == null) {
            return;
        }
        try {
            if (opened.port() instanceof DummyPort dummy) {
                dummy.setOptions(config.options());
            }
            LinkStatus status = opened.port().linkStatus();
            if (config.mtuRequest().isPresent() && config.mtuRequest().getAsInt() != status.mtuBytes()) {
                opened.port().setMtu(config.mtuRequest().getAsInt());
            }
            if (mac.isPresent() && mac.getAsLong() != status.macAddress()) {
                opened.port().setMacAddress(mac.getAsLong());
            }
        } catch (PortException e) {
            settingError = e.getMessage();
        }
    }

    /** Options that are meant for offload providers, without what they begin with. */
    Map<String, String> offloadOptions() {
        return offloadOptions(config.options());
    }

    private static Map<String, String> offloadOptions(Map<String, String> all) {
        Map<String, String> options = new HashMap<>();
        all.forEach((key, value) -> {
            if (key.startsWith(InterfaceConfig.OFFLOAD_OPTION)) {
                options.put(key.substring(InterfaceConfig.OFFLOAD_OPTION.length()), value);
            }
        });
        return Map.copyOf(options);
    }

    private void checkOffloadAttach() {
        String attach = config.options().get(InterfaceConfig.OFFLOAD_ATTACH);
        settings.check(
                InterfaceConfig.OFFLOAD_ATTACH,
                attach,
                attach == null || ATTACHED.contains(attach),
                "not auto, tcx, xdp or none, taken as auto");
    }

    private OptionalLong wantedMac() {
        String text = config.mac().orElse(null);
        OptionalLong mac = text == null ? OptionalLong.empty() : MacText.parseStation(text);
        boolean good = text == null || mac.isPresent() && !config.isLocal();
        settings.check(
                "mac",
                text,
                good,
                config.isLocal()
                        ? "ignored, the Bridge record sets the local port's address"
                        : "not the address of one station, ignored");
        return good ? mac : OptionalLong.empty();
    }

    /** The device's state; that of a patch port is always up. */
    LinkStatus linkStatus() {
        return opened != null
                ? opened.port().linkStatus()
                : new LinkStatus(true, true, patchMac, PATCH_MTU_BYTES, 0, 0, 0);
    }

    /** The interface as OpenFlow sees it. */
    OfPort ofPort(LinkStatus status) {
        return new OfPort(
                ofport,
                opened == null ? -1 : opened.number(),
                config.name(),
                status.macAddress(),
                status.adminUp() ? 0 : OfPort.CONFIG_PORT_DOWN,
                status.carrier() ? 0 : OfPort.STATE_LINK_DOWN,
                config.isPatch() ? config.options().getOrDefault("peer", "") : null,
                status.speedMbps());
    }
}
