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
                Tool.ok("-O", version, "del-flows", target);
                Tool.ok("-O", version, "add-flow", target, flow);
                assertThat(Tool.ok("-O", version, "dump-flows", "--no-stats", target)
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
