package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.time.ManualClock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllowedVersionsTest {
    private static final AllowedVersions SOME = AllowedVersions.named(List.of("OpenFlow10", "OpenFlow13"));

    private static String hello(AllowedVersions versions) {
        ByteBuf out = Unpooled.buffer();
        versions.writeHello(out, 1);
        return ByteBufUtil.hexDump(out);
    }

    private static AllowedVersions offered(String hello) {
        return AllowedVersions.offeredBy(Unpooled.wrappedBuffer(HexFormat.of().parseHex(hello)));
    }

    /** As ovs-ofctl 3.1 sends them with these words after -O. */
    @ParameterizedTest
    @CsvSource({
        "OpenFlow10,0100000800000001",
        "OpenFlow11,020000100000000100010008" + "00000004",
        "OpenFlow10 OpenFlow11,0200000800000001",
        "OpenFlow10 OpenFlow13,040000100000000100010008" + "00000012",
        "OpenFlow14,050000100000000100010008" + "00000020",
        "OpenFlow10 OpenFlow11 OpenFlow12 OpenFlow13 OpenFlow14 OpenFlow15,0600000800000001"
    })
    void aHelloIsThatOfOpenVswitch(String names, String hello) {
        AllowedVersions versions = AllowedVersions.named(List.of(names.split(" ")));
        assertThat(hello(versions)).isEqualTo(hello);
        assertThat(offered(hello)).isEqualTo(versions);
    }

    @Test
    void namesThatMeanNothingLeaveAll() {
        assertThat(AllowedVersions.named(List.of())).isEqualTo(AllowedVersions.ALL);
        assertThat(AllowedVersions.named(List.of("OpenFlow99"))).isEqualTo(AllowedVersions.ALL);
        assertThat(AllowedVersions.named(List.of("OpenFlow99", "OpenFlow13")).newest())
                .isEqualTo(WireVersion.OF13);
    }

    @Test
    void theHighestCommonVersionIsAgreedOn() {
        assertThat(AllowedVersions.ALL.agreeWith(offered("6300000800000001"))).isEqualTo(WireVersion.OF15);
        assertThat(SOME.agreeWith(offered("0500000800000001"))).isEqualTo(WireVersion.OF13);
        assertThat(SOME.agreeWith(offered("0300000800000001"))).isEqualTo(WireVersion.OF10);
        assertThat(SOME.agreeWith(offered("05000010000000010001000800000020"))).isNull();
        assertThat(SOME.agreeWith(offered("0000000800000001"))).isNull();
    }

    /** The words of vconn.c in the log and in the error. */
    @Test
    void versionsAreNamedInTheWordsOfOpenVswitch() {
        assertThat(AllowedVersions.ALL).hasToString("version 0x06 and earlier");
        assertThat(SOME).hasToString("versions 0x01, 0x04");
        assertThat(AllowedVersions.named(List.of("OpenFlow10"))).hasToString("version 0x01");
        assertThat(offered("0000000800000001")).hasToString("no versions");
    }

    /** Recorded from ovs-vswitchd 3.1 with protocols=OpenFlow10,OpenFlow13 and a peer that speaks 1.4. */
    @Test
    void noCommonVersionIsAnsweredByAnErrorInTheWordsOfOpenVswitch() throws Exception {
        try (Dialogue peer = new Dialogue(WireVersion.OF14, SOME)) {
            ByteBuf hello = Unpooled.wrappedBuffer(HexFormat.of().parseHex("05000010000000090001000800000020"));
            ByteBuf error = peer.say(hello).getFirst();
            assertThat(ByteBufUtil.hexDump(error, 0, 12)).isEqualTo("0501005900000000" + "00000000");
            assertThat(error.toString(12, error.readableBytes() - 12, StandardCharsets.US_ASCII))
                    .isEqualTo("We support versions 0x01, 0x04, you support version 0x05, no common versions.");
            assertThat(peer.channel.isOpen()).isFalse();
        }
    }

    @Tag("system")
    @Test
    void newVersionsEndConnectionsAndGoForThoseThatComeAgain(@TempDir Path dir) throws Exception {
        EventLoopGroup group = OpenFlowAgent.newEventLoop();
        try (BridgeAgent agent = new OpenFlowAgent(group, new ManualClock(0, 0)).attach(new FakeSwitch())) {
            agent.listen("punix:" + dir.resolve("br0.mgmt"));
            String target = "unix:" + dir.resolve("br0.mgmt");
            Tool.ok("-O", "OpenFlow14", "show", target);
            agent.setVersions(SOME);
            assertThat(Tool.ofctl("-O", "OpenFlow14", "show", target).output())
                    .contains(
                            "version negotiation failed (we support version 0x05, peer supports versions 0x01, 0x04)");
            Tool.ok("-O", "OpenFlow13", "show", target);
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }
}
