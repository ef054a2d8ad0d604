package io.turnstile.stories;

import io.turnstile.lab.Await;
import io.turnstile.lab.Daemon;
import io.turnstile.lab.LabSwitch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Flow monitors of either switch show the same ({@code ovs-ofctl monitor br0 watch:}), tables with a limit refuse and
 * evict the same flows, and bundles with packets come to the same.
 */
@Tag("system")
class MonitorDifferentialStoryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    /** A flow that shows that everything before has been told. */
    private static final Pattern LAST = Pattern.compile("event=DELETED .*cookie=0x99");

    private static Differential both;

    @BeforeAll
    static void start() {
        both = Differential.start("monitors");
        both.bridge("br0", 3);
    }

    @BeforeEach
    void ignoreNewRows() {
        both.ignore(text -> text.replaceAll("(?m)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "UUID"));
    }

    @AfterAll
    static void stop() {
        both.close();
    }

    @AfterEach
    void empty() {
        both.ofctl("del-flows br0");
        both.ofctl("-O OpenFlow13 del-groups br0");
        both.vsctl("clear bridge br0 flow_tables");
    }

    // ---- monitors ----

    @ParameterizedTest
    @ValueSource(strings = {"OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"})
    void monitorsShowTheSame(String protocol) {
        for (String watched : List.of(
                "watch:",
                "watch:!initial,!actions,table=1",
                "watch:!add,!modify,in_port=1",
                "watch:out_port=2",
                "watch:udp,udp_dst=53")) {
            both.compare(
                    "ovs-ofctl -O " + protocol + " monitor br0 " + watched,
                    watched(both.theirs(), protocol, watched),
                    watched(both.ours(), protocol, watched));
        }
        both.assertSame();
    }

    private static String watched(LabSwitch sw, String protocol, String watched) {
        sw.ofctl("del-flows", "br0").run();
        for (String flow : List.of(
                "in_port=1,dl_vlan=123,actions=output:1",
                "table=1,priority=5,ip,nw_src=10.0.0.0/8,idle_timeout=60,hard_timeout=90,cookie=0x5,"
                        + "actions=load:0x5->NXM_NX_REG0[],output:2",
                "udp,tp_dst=53,actions=ct(commit,table=4)")) {
            sw.ofctl("add-flow", "br0", flow).run();
        }
        Path log = both.lab().folder().resolve(sw.name() + "-" + protocol + "-" + Math.abs(watched.hashCode()));
        try (Daemon monitor = sw.ofctl("-O", protocol, "--timeout=120", "monitor", "br0", watched)
                .start(log)) {
            Await.until(
                    "the monitor is answered",
                    PATIENCE,
                    () -> monitor.output().contains("FLOW_MONITOR reply"),
                    monitor::output);
            change(sw);
            sw.ofctl("add-flow", "br0", "table=1,udp,tp_dst=53,in_port=1,cookie=0x99,actions=output:2")
                    .run();
            sw.ofctl("del-flows", "br0", "cookie=0x99/-1").run();
            Await.until(
                    "the last is told",
                    PATIENCE,
                    () -> LAST.matcher(monitor.output()).find(),
                    monitor::output);
            return sorted(monitor.output());
        }
    }

    private static void change(LabSwitch sw) {
        sw.ofctl("add-flow", "br0", "in_port=1,dl_vlan=124,actions=output:2").run();
        sw.ofctl("add-flow", "br0", "in_port=1,dl_vlan=124,dl_vlan_pcp=1,actions=output:3")
                .run();
        sw.ofctl("mod-flows", "br0", "in_port=1,dl_vlan=124,actions=output:1,output:2")
                .run();
        sw.ofctl("-O", "OpenFlow13", "mod-flows", "br0", "dl_vlan=124,actions=output:1")
                .run();
        sw.ofctl("-O", "OpenFlow13", "mod-flows", "br0", "dl_vlan=124,actions=output:1")
                .run();
        sw.ofctl("add-flow", "br0", "table=1,cookie=7,udp,tp_dst=53,actions=learn(table=2,NXM_OF_IN_PORT[])")
                .run();
        sw.ofctl("add-flow", "br0", "in_port=1,dl_vlan=124,actions=output:2").run();
        sw.ofctl("--strict", "del-flows", "br0", "in_port=1,dl_vlan=124,dl_vlan_pcp=1")
                .run();
        sw.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=output:2")
                .run();
        sw.ofctl("-O", "OpenFlow13", "add-flow", "br0", "table=1,in_port=1,actions=group:1")
                .run();
        sw.ofctl("-O", "OpenFlow13", "del-groups", "br0", "group_id=1").run();
        sw.ofctl("del-flows", "br0").run();
    }

    /** Flows that changed together have no order; what belongs together stands together. */
    private static String sorted(String output) {
        List<String> lines = new ArrayList<>();
        List<String> together = new ArrayList<>();
        for (String line :
                output.replaceAll("xid=0x[1-9a-f][0-9a-f]*", "xid=XID").lines().toList()) {
            if (line.startsWith(" event")) {
                together.add(line);
            } else {
                Collections.sort(together);
                lines.addAll(together);
                together.clear();
                lines.add(line);
            }
        }
        Collections.sort(together);
        lines.addAll(together);
        return String.join("\n", lines);
    }

    // ---- tables ----

    private static void dump() {
        both.ofctlSorted("-O OpenFlow14 --no-stats dump-flows br0");
    }

    @Test
    void tablesWithALimitRefuseAndEvictTheSame() {
        both.vsctl("-- --id=@t create Flow_Table name=main flow-limit=4 overflow-policy=evict"
                + " -- set bridge br0 flow_tables:0=@t");
        for (int port = 4; port >= 1; port--) {
            both.ofctl("add-flow br0 idle_timeout=%d0,in_port=%d,actions=drop".formatted(port, port));
        }
        both.ofctl("add-flow br0 in_port=5,actions=drop");
        dump();
        both.ofctl("mod-flows br0 in_port=6,actions=drop");
        both.ofctl("add-flow br0 in_port=4,actions=normal");
        both.ofctl("mod-flows br0 in_port=3,actions=output:1");
        dump();
        both.ofctl("add-flow br0 in_port=7,actions=normal");
        both.ofctl("add-flow br0 in_port=8,actions=drop");
        dump();
        both.vsctl("set Flow_Table main flow-limit=2 overflow-policy=refuse");
        both.ofctl("-O OpenFlow13 add-flow br0 in_port=9,actions=drop");
        dump();
        both.assertSame();
    }

    @Test
    void groupsAndImportanceDecideWhoGoes() {
        both.vsctl(
                "-- --id=@t create Flow_Table name=fair flow-limit=4 overflow-policy=evict groups='\"NXM_OF_IN_PORT[]\"'"
                        + " -- set bridge br0 flow_tables:0=@t");
        both.ofctl("add-flow br0 idle_timeout=10,in_port=2,tcp,actions=drop");
        both.ofctl("add-flow br0 idle_timeout=20,in_port=1,udp,actions=drop");
        both.ofctl("add-flow br0 idle_timeout=30,in_port=1,tcp,actions=drop");
        both.ofctl("add-flow br0 idle_timeout=40,in_port=1,icmp,actions=drop");
        both.ofctl("add-flow br0 in_port=2,arp,actions=drop");
        dump();
        both.ofctl("del-flows br0");
        both.vsctl("set Flow_Table fair overflow-policy=refuse groups=[]");
        both.ofctl("-O OpenFlow14 mod-table br0 0 evict");
        for (int i = 4; i >= 1; i--) {
            both.ofctl("-O OpenFlow14 add-flow br0 importance=%d,in_port=%d,hard_timeout=%d,actions=drop"
                    .formatted(i + 30, i, i + 500));
        }
        both.ofctl("-O OpenFlow14 add-flow br0 hard_timeout=505,importance=35,priority=10,in_port=2,actions=drop");
        dump();
        both.ofctl("-O OpenFlow14 mod-table br0 0 noevict");
        both.ofctl("-O OpenFlow14 add-flow br0 hard_timeout=506,importance=36,priority=11,actions=drop");
        both.ofctl("-O OpenFlow14 mod-flows br0 in_port=2,actions=NORMAL");
        dump();
        both.assertSame();
    }

    @Test
    void tablesAreNamedAndDescribedTheSame() {
        both.vsctl("-- --id=@t create Flow_Table name=acl flow-limit=7 prefixes=ip_dst"
                + " -- set bridge br0 flow_tables:1=@t");
        both.ofctl("-O OpenFlow14 mod-table br0 1 vacancy:20,80");
        both.ofctl("-O OpenFlow14 mod-table br0 2 evict");
        both.ofctl("-O OpenFlow14 mod-table br0 2 vacancy:80,20");
        both.ofctl("-O OpenFlow14 add-flow br0 table=1,actions=drop");
        both.ofctl("-O OpenFlow14 add-flow br0 table=2,actions=drop");
        for (String protocol : List.of("OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")) {
            both.ofctl("-O " + protocol + " --names dump-flows --no-stats br0");
            both.ofctl("-O " + protocol + " dump-tables br0");
        }
        both.ofctl("-O OpenFlow14 dump-table-desc br0");
        both.ofctl("-O OpenFlow15 dump-table-desc br0");
        both.ofctl("-O OpenFlow14 mod-table br0 all novacancy");
        both.ofctl("-O OpenFlow14 mod-table br0 all noevict");
        both.ofctl("-O OpenFlow14 dump-table-desc br0");
        both.assertSame();
    }

    // ---- bundles ----

    @Test
    void bundlesWithPacketsComeToTheSame() throws Exception {
        String packet = "packet=0001020304050010203040501234";
        for (String bundle : List.of(
                "group group_id=1,type=all,bucket=output:controller\nflow in_port=1 actions=group:1\n"
                        + "packet-out in_port=1, " + packet + " actions=table\ngroup delete\n",
                "group group_id=1,type=all,bucket=output:controller\nflow in_port=1 actions=group:1\n"
                        + "packet-out in_port=1, " + packet + " actions=table\nflow in_port=2 actions=group:2\n",
                "flow in_port=1 actions=2\npacket-out in_port=1, " + packet + " actions=table\n"
                        + "packet-out in_port=1, " + packet + " actions=group:2\n",
                "flow in_port=1 actions=2\npacket-out in_port=1, " + packet + " actions=table\n")) {
            Path file = Files.writeString(both.lab().folder().resolve("bundle"), bundle);
            both.ofctl("bundle br0 " + file);
            both.ofctlSorted("-O OpenFlow14 dump-flows br0");
            both.ofctl("-O OpenFlow14 dump-groups br0");
        }
        both.assertSame();
    }
}
