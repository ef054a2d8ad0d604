package io.turnstile.daemon;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The names that modules have in {@code vlog/set}, {@code vlog/list} and log lines (ovs-appctl(8)). Each row is a part
 * of the switch: its loggers, the name that its log lines bear, and all names of Open vSwitch's modules that do what it
 * does, so that what scripts turn up or down is what they mean. The names of a row share one level.
 */
enum LogModules {
    // spotless:off
    BRIDGE("bridge", ".bridge", "system_stats"),
    CONNTRACK("conntrack", ".conntrack", "conntrack_tp ct_dpif ipf netlink_conntrack"),
    CONTROL("unixctl", ".control", ""),
    DAEMON("daemon", ".daemon", """
            backtrace command_line cooperative_multitasking coverage daemon_unix dns_resolve entropy fatal_signal hmap \
            lockfile memory ovs_numa ovs_rcu ovs_replay ovs_thread poll_loop process sha1 signals stopwatch svec timeval \
            util uuid vlog vswitchd"""),
    DATAPATH("dpif_netdev", ".datapath", """
            dp_packet_gso dpif dpif_netdev_dpcls dpif_netlink dpif_netlink_rtnl flow odp_execute odp_util ofproto_dpif_upcall \
            pmd_perf userspace_tso"""),
    OFFLOAD("netdev_offload", ".offload", """
            dpif_offload dpif_offload_dpdk dpif_offload_dpdk_netdev dpif_offload_dummy dpif_offload_tc \
            dpif_offload_tc_netdev netdev_offload_dpdk netdev_offload_tc tc"""),
    OPENFLOW("vconn", ".openflow", """
            collectors connmgr learning_switch meta_flow nx_match ofp_actions ofp_bundle ofp_connection ofp_ct ofp_errors \
            ofp_flow ofp_group ofp_match ofp_meter ofp_monitor ofp_msgs ofp_packet ofp_port ofp_protocol ofp_queue \
            ofp_table ofp_util ox_stat rconn reconnect socket_util socket_util_unix stream stream_fd stream_nossl \
            stream_replay stream_ssl stream_tcp stream_unix vconn_stream"""),
    OVSDB("ovsdb", ".ovsdb", "db_ctl_base jsonrpc ovsdb_cs ovsdb_error ovsdb_idl"),
    PATH("path", ".path", ""),
    PIPELINE("ofproto", ".pipeline", """
            bfd bond bundle bundles cfm fail_open in_band ipfix lacp lldp lldpd lldpd_structs native_tnl netflow \
            ofproto_dpif ofproto_dpif_mirror ofproto_dpif_monitor ofproto_dpif_rid ofproto_dpif_xlate \
            ofproto_xlate_cache ovs_lldp rstp rstp_sm sflow stp tunnel"""),
    PORT("netdev", ".port", """
            dpdk netdev_afxdp netdev_bsd netdev_dpdk netdev_dummy netdev_linux netdev_vport netlink netlink_notifier \
            netlink_socket ovs_router pcap route_table route_table_bsd rtbsd"""),
    TELEMETRY("telemetry", ".telemetry", "");
    // spotless:on

    private static final String ROOT = "io.turnstile";
    private static final Map<String, LogModules> BY_NAME = new TreeMap<>();

    static {
        for (LogModules module : values()) {
            for (String name : module.names) {
                LogModules other = BY_NAME.put(name, module);
                if (other != null) {
                    throw new IllegalStateException(name + " stands in two rows");
                }
            }
        }
    }

    private final String label;
    private final String logger;
    private final List<String> names = new ArrayList<>();

    LogModules(String label, String packageSuffix, String otherNames) {
        this.label = label;
        logger = ROOT + packageSuffix;
        names.add(label);
        for (String name : otherNames.split(" ")) {
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
    }

    /** The name in log lines. */
    String label() {
        return label;
    }

    /** The logger above all of the part's. */
    String logger() {
        return logger;
    }

    /**
     * The name that lines of a logger bear: the logger's last part if that is one of Open vSwitch's names, the part's
     * label otherwise. Empty for loggers of libraries.
     */
    static Optional<String> label(String loggerName) {
        String last = loggerName.substring(loggerName.lastIndexOf('.') + 1);
        return of(loggerName).map(module -> module.names.contains(last) ? last : module.label);
    }

    /** All names, in the order of {@code vlog/list}. */
    static Collection<String> names() {
        return BY_NAME.keySet();
    }

    /** The part of a name, in which case and {@code -} for {@code _} do not matter; null if there is no such name. */
    static @Nullable LogModules named(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT).replace('-', '_'));
    }

    /** The part that a logger belongs to; empty for loggers of libraries. */
    static Optional<LogModules> of(String loggerName) {
        if (!loggerName.startsWith(ROOT)) {
            return Optional.empty();
        }
        for (LogModules module : values()) {
            if (loggerName.startsWith(module.logger)
                    && (loggerName.length() == module.logger.length()
                            || loggerName.charAt(module.logger.length()) == '.')) {
                return Optional.of(module);
            }
        }
        return Optional.empty();
    }
}
