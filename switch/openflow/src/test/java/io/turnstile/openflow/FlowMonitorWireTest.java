package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowMonitorCodec;
import io.turnstile.openflow.wire.FlowMonitorCodec.Monitor;
import io.turnstile.openflow.wire.FlowMonitorCodec.Wish;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.OfAction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What Debian's ovs-ofctl asks for, and what its ovs-vswitchd tells by that, byte for byte. */
class FlowMonitorWireTest {
    private static final String MATCH = "table=1,priority=5,ip,nw_src=10.0.0.0/8";

    /** @param replies the reply, then what is told unasked */
    record Recorded(WireVersion version, String watched, String request, List<String> replies) {
        boolean isWithoutReplies() {
            return replies.isEmpty();
        }

        @Override
        public String toString() {
            return version + " " + watched;
        }
    }

    private static List<Recorded> all() {
        try (var in = FlowMonitorWireTest.class.getResourceAsStream("wire/monitors.txt")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8).replaceAll("(?m)^#.*\n", "");
            List<Recorded> all = new ArrayList<>();
            for (String block : text.strip().split("\n\n")) {
                List<String> lines = block.lines().toList();
                String version = lines.getFirst().substring("OpenFlow".length()).substring(0, 2);
                all.add(new Recorded(
                        WireVersion.valueOf("OF" + version),
                        lines.get(1),
                        lines.get(2),
                        lines.subList(3, lines.size())));
            }
            return all;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static Stream<Recorded> dialogues() {
        return all().stream().filter(each -> !each.isWithoutReplies());
    }

    static Stream<Recorded> requests() {
        return all().stream().filter(Recorded::isWithoutReplies);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void whatIsWatchedIsUnderstood(Recorded recorded) throws Exception {
        ByteBuf message = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(recorded.request()));
        message.skipBytes(
                switch (recorded.version()) {
                    case OF10, OF11, OF12, OF13 -> 24;
                    case OF14, OF15 -> 16;
                });
        List<Monitor> monitors = FlowMonitorCodec.read(message, recorded.version());
        assertThat(monitors).singleElement().satisfies(monitor -> {
            assertThat(monitor.wishes()).isEqualTo(Set.of(Wish.ADDED, Wish.REMOVED, Wish.MODIFIED, Wish.ACTIONS));
            assertThat(monitor.query().tableId()).isEqualTo(1);
            assertThat(monitor.query().outPort()).isEqualTo(2);
            assertThat(FlowText.format(monitor.query().match())).isEqualTo("ip");
        });
    }

    @ParameterizedTest
    @MethodSource("dialogues")
    void theBridgeTellsTheSame(Recorded recorded) throws Exception {
        try (MonitorPeers peers = new MonitorPeers()) {
            MonitorPeers.Peer peer = peers.join(recorded.version());
            peers.flow(
                    FlowMod.Command.ADD,
                    MATCH + ",idle_timeout=60,hard_timeout=90,cookie=0x5,actions=load:0x5->NXM_NX_REG0[],output:2");
            List<String> told = new ArrayList<>(hex(peer.say(bytes(recorded.request()))));
            peers.bridge.apply(modification());
            peers.settle();
            peers.flow(FlowMod.Command.DELETE, "");
            peers.flow(FlowMod.Command.ADD, "in_port=1,cookie=0x7,actions=drop");
            told.addAll(hex(peer.answers()));
            if (recorded.version() != WireVersion.OF11) { // whose matches the recording does not go into
                told.addAll(hex(peer.say(bytes(deletion(recorded.version())))));
            }
            assertThat(told).containsExactlyElementsOf(recorded.replies());
        }
    }

    /** As OpenFlow 1.0 has it, which gives the flow another cookie. */
    private static FlowMod modification() throws Exception {
        FlowMod added = FlowText.parseFlowMod(FlowMod.Command.ADD, MATCH + ",actions=output:3");
        return new FlowMod(
                FlowMod.Command.MODIFY_STRICT,
                added.tableId(),
                added.priority(),
                added.match(),
                0,
                0,
                0,
                0,
                0,
                0,
                OfAction.Ports.NONE,
                Set.of(),
                added.actions());
    }

    private static String deletion(WireVersion version) {
        return version == WireVersion.OF10
                ? "010e0048" + "12345678" + "003fffff" + "00".repeat(44) + "000300000000" + "8000ffffffffffff0000"
                : "%02x0e0038".formatted(version.code()) + "12345678" + "00".repeat(16) + "ff0300000000"
                        + "8000ffffffffffffffffffffffff00000000" + "0001000400000000";
    }

    private static ByteBuf bytes(String hex) {
        return Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
    }

    private static List<String> hex(List<ByteBuf> messages) {
        return messages.stream().map(ByteBufUtil::hexDump).toList();
    }
}
