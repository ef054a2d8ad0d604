package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.turnstile.datapath.Datapath;
import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.Pipeline;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.time.Clock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Debian's ovs-ofctl, the agent and the pipeline's own bridge together. */
@Tag("system")
class RealBridgeStoryTest {
    @TempDir
    Path dir;

    private EventLoopGroup group;
    private BridgeAgent agent;
    private BridgePipeline bridge;
    private String target;

    @BeforeEach
    void start() throws Exception {
        // No packet is forwarded in these stories, so that the datapath needs no tracker.
        Pipeline pipeline = new Pipeline(new Datapath(null, Clock.system()), Clock.system());
        bridge = pipeline.addBridge("br0", 1);
        bridge.addPort(new OfPort(OfAction.Ports.LOCAL, -1, "br0", 0x020000000001L, 0, 0, null, 0));
        bridge.addPort(new OfPort(1, -1, "p1", 0x020000000002L, 0, 0, "peer", 0));
        group = OpenFlowAgent.newEventLoop();
        agent = new OpenFlowAgent(group, Clock.system()).attach(bridge);
        agent.listen("punix:" + dir.resolve("br0.mgmt"));
        target = "unix:" + dir.resolve("br0.mgmt");
    }

    @AfterEach
    void stop() throws Exception {
        agent.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    /** Text that the real ovs-vswitchd's dump gave, by version. */
    private static List<String> recorded(String version) throws Exception {
        List<String> texts = new ArrayList<>();
        try (var in = RealBridgeStoryTest.class.getResourceAsStream("wire/flows.txt")) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
            for (int i = 0; i < lines.size(); i += 4) {
                if (lines.get(i).equals(version)) {
                    texts.add(lines.get(i + 1));
                }
            }
        }
        return texts;
    }

    @Test
    void flowsAreDumpedAsThePeerDumpsThem() throws Exception {
        for (String version :
                List.of("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")) {
            for (String flow : recorded(version)) {
                Tool.ok("-O", "OpenFlow13", "del-flows", target); // 1.1 would delete in table 0 alone
                // What 1.1 shows of a packet without a tag it cannot be told.
                String told = version.equals("OpenFlow11") ? flow.replace("0x0000/0x1fff", "0x0000") : flow;
                Tool.ok("-O", version, "add-flow", target, told);
                // It says, beside them, which actions it would rather not see in a version.
                assertThat(Tool.ok("-O", version, "-vofp_actions:off", "dump-flows", "--no-stats", target)
                                .strip())
                        .as(version)
                        .isEqualTo(flow);
            }
        }
    }

    @Test
    void bundleReplacesAllFlowsAtOnce() throws Exception {
        Path file = Files.writeString(dir.resolve("flows"), "ip,actions=1\narp,actions=LOCAL\n");
        Tool.ok("-O", "OpenFlow13", "--bundle", "replace-flows", target, file.toString());
        assertThat(Tool.ok("dump-flows", "--no-stats", target).lines()).hasSize(2);
    }

    @Test
    void aHundredThousandFlowsFitIntoOneBundle() throws Exception {
        StringBuilder flows = new StringBuilder();
        for (int i = 0; i < 100_000; i++) {
            flows.append(
                    "priority=10,ip,nw_src=10.%d.%d.%d,actions=output:1\n".formatted(i >> 16, i >> 8 & 0xff, i & 0xff));
        }
        Path file = Files.writeString(dir.resolve("flows"), flows);
        for (String version : List.of("OpenFlow13", "OpenFlow14", "OpenFlow15")) {
            Tool.ok("-O", version, "del-flows", target);
            Tool.ok("-O", version, "--bundle", "add-flows", target, file.toString());
            assertThat(Tool.ok("-O", version, "dump-aggregate", target)).contains("flow_count=100000");
        }
    }

    private String groups(String version) throws Exception {
        return Tool.ok("-O", version, "dump-groups", target)
                .lines()
                .skip(1)
                .map(String::strip)
                .collect(Collectors.joining("\n"));
    }

    @Test
    void groupsAreDumpedAsTheyWereGiven() throws Exception {
        String numbered = """
                group_id=1,type=all,bucket=bucket_id:0,actions=output:1,bucket=bucket_id:1,actions=LOCAL
                group_id=2,type=select,selection_method=dp_hash,bucket=bucket_id:7,weight:100,watch_port:1,actions=output:1
                group_id=3,type=select,selection_method=hash,selection_method_param=5,fields(ip_src,tcp_src=65280),bucket=bucket_id:0,actions=output:1
                group_id=4,type=ff,bucket=bucket_id:0,watch_port:1,watch_group:1,actions=group:1
                group_id=5,type=indirect,bucket=bucket_id:0,actions=ct(commit,table=2,nat(dst=10.0.0.1:80))""";
        for (String version : List.of("OpenFlow10", "OpenFlow15")) {
            Tool.ok("-O", version, "del-groups", target);
            for (String group : numbered.lines().toList()) {
                Tool.ok("-O", version, "add-group", target, group);
            }
            assertThat(groups(version)).isEqualTo(numbered.strip());
        }
        assertThat(groups("OpenFlow13"))
                .isEqualTo(numbered.replaceAll("bucket_id:[0-9]+,", "")
                        .replaceAll(",selection_method[^ ]*?,bucket", ",bucket"));
        Tool.ok(
                "-O",
                "OpenFlow15",
                "insert-buckets",
                target,
                "group_id=1,command_bucket_id=0,bucket=bucket_id=9,actions=drop");
        Tool.ok("-O", "OpenFlow15", "remove-buckets", target, "group_id=1,command_bucket_id=last");
        Tool.ok(
                "-O",
                "OpenFlow15",
                "--may-create",
                "mod-group",
                target,
                "group_id=6,type=all,bucket=bucket_id:0,actions=drop");
        assertThat(Tool.ok("-O", "OpenFlow15", "dump-groups", target, "1"))
                .contains("group_id=1,type=all,bucket=bucket_id:0,actions=output:1,bucket=bucket_id:9,actions=drop");
        Tool.ok("-O", "OpenFlow13", "add-flow", target, "ip,actions=group:1");
        assertThat(Tool.ok("-O", "OpenFlow13", "dump-group-stats", target, "group_id=1"))
                .contains("group_id=1,duration=")
                .contains("s,ref_count=1,packet_count=0,byte_count=0,bucket0:packet_count=0,byte_count=0,"
                        + "bucket1:packet_count=0,byte_count=0");
        assertThat(Tool.ok("-O", "OpenFlow13", "dump-group-features", target))
                .contains("Types:  0xf", "Capabilities:  0x7", "max_groups=0xffffff00", "actions: output group");
        assertThat(Tool.ok("-O", "OpenFlow10", "dump-group-features", target)).contains("Types:  0xf");
        Tool.ok("-O", "OpenFlow13", "del-groups", target, "group_id=1");
        assertThat(Tool.ok("-O", "OpenFlow13", "dump-flows", "--no-stats", target))
                .doesNotContain("group");
        Tool.Result refused = Tool.ofctl("-O", "OpenFlow13", "add-flow", target, "ip,actions=group:1");
        assertThat(refused.output()).contains("OFPBAC_BAD_OUT_GROUP");
        refused = Tool.ofctl("-O", "OpenFlow13", "add-group", target, "group_id=1,type=all,bucket=actions=group:1");
        assertThat(refused.output()).contains("OFPGMFC_LOOP");
    }

    @Test
    void groupsAndFlowsTravelInOneBundle() throws Exception {
        Path file = Files.writeString(dir.resolve("bundle"), """
                group delete
                group add group_id=1,type=select,bucket=output:1
                flow add ip,actions=group:1
                """);
        for (String version : List.of("OpenFlow13", "OpenFlow15")) {
            Tool.ok("-O", version, "--bundle", "bundle", target, file.toString());
            assertThat(groups("OpenFlow15")).isEqualTo("group_id=1,type=select,bucket=bucket_id:0,actions=output:1");
            assertThat(Tool.ok("-O", version, "dump-flows", "--no-stats", target))
                    .contains("ip actions=group:1");
        }
    }

    @Test
    void metersAreDumpedAsTheyWereGiven() throws Exception {
        for (String version : List.of("OpenFlow13", "OpenFlow15")) {
            Tool.ok("-O", version, "del-meters", target);
            Tool.ok(
                    "-O",
                    version,
                    "add-meter",
                    target,
                    "meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=200");
            Tool.ok(
                    "-O",
                    version,
                    "add-meter",
                    target,
                    "meter=controller,pktps,bands=type=dscp_remark,rate=10,prec_level=1");
            assertThat(Tool.ok("-O", version, "dump-meters", target))
                    .contains("meter=1 kbps burst stats bands=\ntype=drop rate=1000 burst_size=200")
                    .contains("meter=controller pktps bands=\ntype=dscp_remark rate=10 prec_level=1");
            Tool.ok("-O", version, "add-flow", target, "ip,actions=meter:1,output:1");
            assertThat(Tool.ok("-O", version, "dump-flows", "--no-stats", target))
                    .contains("ip actions=meter:1,output:1");
            assertThat(Tool.ok("-O", version, "meter-stats", target, "meter=1"))
                    .contains("meter:1 flow_count:1 packet_in_count:0 byte_in_count:0 duration:")
                    .contains("bands:\n0: packet_count:0 byte_count:0");
            assertThat(Tool.ok("-O", version, "meter-features", target))
                    .contains("max_meter:262144 max_bands:8 max_color:0")
                    .contains("band_types: drop dscp_remark")
                    .contains("capabilities: kbps pktps burst stats");
            Tool.ok("-O", version, "mod-meter", target, "meter=1,pktps,bands=type=drop,rate=5");
            assertThat(Tool.ok("-O", version, "dump-meter", target, "meter=1"))
                    .contains("meter=1 pktps bands=\ntype=drop rate=5");
            assertThat(Tool.ofctl("-O", version, "dump-meter", target, "meter=7")
                            .output())
                    .contains("OFPMMFC_UNKNOWN_METER");
            assertThat(Tool.ofctl("-O", version, "add-flow", target, "ip,actions=meter:7")
                            .output())
                    .contains("OFPMMFC_INVALID_METER");
            Tool.ok("-O", version, "del-meter", target, "meter=1");
            assertThat(Tool.ok("-O", version, "dump-flows", "--no-stats", target))
                    .doesNotContain("meter");
        }
    }

    @Test
    void commandsOfEveryDayWork() throws Exception {
        Tool.ok("del-flows", target); // the bridge begins with a NORMAL flow
        bridge.apply(FlowText.parseFlowMod(FlowMod.Command.ADD, "cookie=7,arp,actions=NORMAL"));
        for (String version :
                List.of("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15")) {
            assertThat(Tool.ok("-O", version, "show", target)).contains("1(p1): addr:02:00:00:00:00:02", "LOCAL(br0)");
            assertThat(Tool.ok("-O", version, "dump-flows", target)).contains("cookie=0x7", "arp actions=NORMAL");
            assertThat(Tool.ok("-O", version, "dump-tables", target)).contains("active=1");
            assertThat(Tool.ok("-O", version, "dump-aggregate", target)).contains("flow_count=1");
            assertThat(Tool.ok("-O", version, "dump-ports", target)).contains("port LOCAL");
        }
        Tool.ok("--strict", "mod-flows", target, "arp,actions=FLOOD");
        assertThat(Tool.ok("dump-flows", target)).contains("arp actions=FLOOD");
        Tool.ok("del-flows", target, "arp");
        assertThat(Tool.ok("dump-flows", "--no-stats", target)).isBlank();
    }
}
