package io.turnstile.bridge;

import io.turnstile.address.AddressText;
import io.turnstile.port.LinkStatus;
import io.turnstile.port.Port;
import io.turnstile.port.PortException;
import io.turnstile.port.PortStatistics;
import io.turnstile.port.linux.Links;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The columns in which an Interface row shows its device: status and statistics of ovs-vswitchd.conf.db(5). */
final class InterfaceColumns {
    private static final long BITS_PER_MEGABIT = 1_000_000;
    private static final List<Object> ABSENT = List.of();

    private InterfaceColumns() {}

    /** The status of an interface: everything but its statistics. */
    static Map<String, Object> status(Iface iface, @Nullable String patchError) {
        List<Object> errors = iface.errors(patchError);
        if (!iface.isAttached()) {
            return withoutPort(errors);
        }
        try {
            return ofDevice(iface, errors, iface.linkStatus());
        } catch (PortException e) { // The device is just going; the next look at the links says so.
            return Map.of();
        }
    }

    private static Map<String, Object> ofDevice(Iface iface, List<Object> errors, LinkStatus status) {
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put("error", errors);
        columns.put("ofport", (long) (iface.ofport() & 0xffff));
        columns.put("mac_in_use", AddressText.mac(status.macAddress()));
        columns.put("admin_state", status.adminUp() ? "up" : "down");
        columns.put("link_state", status.carrier() ? "up" : "down");
        columns.put("link_resets", status.carrierChanges());
        columns.put("ifindex", (long) status.ifIndex());
        columns.put("mtu", iface.device() == null ? ABSENT : (Object) (long) status.mtuBytes());
        addDevice(columns, iface.device(), status);
        return columns;
    }

    /** The status of an interface that has no port: {@code ofport=-1} and the error, if there is one. */
    static Map<String, Object> withoutPort(List<Object> errors) {
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put("error", errors);
        columns.put("ofport", (long) Iface.NO_OFPORT);
        for (String column : List.of(
                "mac_in_use", "admin_state", "link_state", "link_resets", "link_speed", "duplex", "mtu", "ifindex")) {
            columns.put(column, ABSENT);
        }
        columns.put("status", Map.of());
        columns.put("statistics", Map.of());
        return columns;
    }

    private static void addDevice(Map<String, Object> columns, @Nullable Port port, LinkStatus status) {
        String device = port != null && status.ifIndex() != 0 ? port.name() : null;
        Links.Speed speed = device == null ? new Links.Speed(0, Links.Duplex.UNKNOWN) : Links.speed(device);
        columns.put("link_speed", speed.speedMbps() == 0 ? ABSENT : (Object) (speed.speedMbps() * BITS_PER_MEGABIT));
        columns.put(
                "duplex",
                switch (speed.duplex()) {
                    case HALF -> "half";
                    case FULL -> "full";
                    case UNKNOWN -> ABSENT;
                });
        columns.put("status", device == null ? Map.of() : driver(Links.driver(device)));
    }

    private static Map<String, String> driver(Links.Driver driver) {
        Map<String, String> status = new TreeMap<>();
        if (!driver.name().isEmpty()) {
            status.put("driver_name", driver.name());
            status.put("driver_version", driver.version());
            status.put("firmware_version", driver.firmwareVersion());
        }
        return status;
    }

    /** The statistics of an interface: the counters that its device has. */
    static Map<String, Object> statistics(Iface iface) {
        if (iface.device() == null) {
            return Map.of();
        }
        try {
            return Map.of("statistics", counters(iface.device()));
        } catch (PortException e) {
            return Map.of(); // The device is just going; the next look at the links says so.
        }
    }

    private static Map<String, Long> counters(Port device) {
        PortStatistics read = device.statistics();
        Map<String, Long> counters = new TreeMap<>(device.customCounters());
        put(counters, "rx_packets", read.rxPackets());
        put(counters, "rx_bytes", read.rxBytes());
        put(counters, "rx_dropped", read.rxDropped());
        put(counters, "rx_errors", read.rxErrors());
        put(counters, "tx_packets", read.txPackets());
        put(counters, "tx_bytes", read.txBytes());
        put(counters, "tx_dropped", read.txDropped());
        put(counters, "tx_errors", read.txErrors());
        put(counters, "collisions", read.collisions());
        put(counters, "rx_frame_err", read.rxFrameErrors());
        put(counters, "rx_over_err", read.rxOverErrors());
        put(counters, "rx_crc_err", read.rxCrcErrors());
        put(counters, "rx_missed_errors", read.rxMissedErrors());
        put(counters, "rx_multicast_packets", read.rxMulticastPackets());
        return counters;
    }

    private static void put(Map<String, Long> counters, String name, long value) {
        if (value != PortStatistics.UNKNOWN) {
            counters.put(name, value);
        }
    }
}
