package io.turnstile.bridge;

import io.turnstile.pipeline.OfPort;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * One interface of a bridge as it stands: plugged in, or failing with an error that its row shows.
 *
 * <p>Threads: the reconciler's.
 */
final class Iface {
    static final int NO_NUMBER = -1;
    private static final long LOCALLY_ADMINISTERED = 0x0200_0000_0000L;
    private static final long STATION_BITS = 0xfcff_ffff_ffffL;
    private static final int PATCH_MTU_BYTES = 0;

    private final SettingsReader values;
    private InterfaceConfig config;
    private DatapathPorts.Opened opened; // null: a patch port, or failing
    private int number = NO_NUMBER;
    private int formerNumber = NO_NUMBER;
    private String openError;
    private String settingError;
    private long patchMac;

    Iface(InterfaceConfig config) {
        this.config = config;
        values = new SettingsReader("interface " + config.name());
    }

    /** Failing, for the reason given. */
    void fail(String error) {
        openError = error;
        formerNumber = number == NO_NUMBER ? formerNumber : number;
        number = NO_NUMBER;
        opened = null;
    }

    void plugIn(DatapathPorts.Opened device, int ofNumber) {
        opened = device;
        number = ofNumber;
        openError = null;
    }

    void plugInPatch(int ofNumber) {
        number = ofNumber;
        openError = null;
        patchMac = java.util.concurrent.ThreadLocalRandom.current().nextLong() & STATION_BITS | LOCALLY_ADMINISTERED;
    }

    InterfaceConfig config() {
        return config;
    }

    void setConfig(InterfaceConfig config) {
        this.config = config;
    }

    boolean isPluggedIn() {
        return number != NO_NUMBER;
    }

    /** OpenFlow port number, {@link #NO_NUMBER} while failing. */
    int number() {
        return number;
    }

    /** The number it bore before it failed. */
    int formerNumber() {
        return formerNumber;
    }

    DatapathPorts.Opened opened() {
        return opened;
    }

    /** Null for a patch port, and while failing. */
    Port port() {
        return opened == null ? null : opened.port();
    }

    /** What keeps the interface out; null if nothing does. */
    String openError() {
        return openError;
    }

    /** What Interface:error shows: empty if nothing is wrong. */
    List<Object> errors(String peerErrorOrNull) {
        return Stream.of(openError, settingError, peerErrorOrNull)
                .filter(Objects::nonNull)
                .limit(1)
                .map(Object.class::cast)
                .toList();
    }

    /** {@code Interface:mac} and {@code mtu_request}; what the device refuses is shown, and tried again next time. */
    void applySettings() {
        settingError = null;
        OptionalLong mac = wantedMac();
        if (opened == null) {
            return;
        }
        LinkStatus status = opened.port().linkStatus();
        try {
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

    private OptionalLong wantedMac() {
        OptionalLong mac = MacText.parseStation(config.mac());
        boolean good = config.mac() == null || mac.isPresent() && !config.isLocal();
        values.check(
                "mac",
                config.mac(),
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

    /** As OpenFlow sees it. */
    OfPort ofPort(LinkStatus status) {
        return new OfPort(
                number,
                opened == null ? -1 : opened.number(),
                config.name(),
                status.macAddress(),
                status.adminUp() ? 0 : OfPort.CONFIG_PORT_DOWN,
                status.carrier() ? 0 : OfPort.STATE_LINK_DOWN,
                config.isPatch() ? config.options().getOrDefault("peer", "") : null,
                status.speedMbps());
    }
}
