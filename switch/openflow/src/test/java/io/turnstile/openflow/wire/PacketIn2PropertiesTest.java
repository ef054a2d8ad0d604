package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.OpenFlowSwitch.PacketIn;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What NXT_PACKET_IN2 says of the flow and the reason, as Open vSwitch does (lib/ofp-packet.c). */
class PacketIn2PropertiesTest {
    private static final int COOKIE = 4;
    private static final int REASON = 5;

    private static PacketIn packetIn(PacketInReason reason, long cookie, byte[] userdata) {
        return new PacketIn(new byte[14], 0xffff, reason, 1, cookie, 0, Match.ANY, userdata, null);
    }

    /** The properties' content in hexadecimal digits, by type. */
    private static Map<Integer, String> properties(WireVersion version, PacketInReason reason, long cookie) {
        ByteBuf out = Unpooled.buffer();
        AsyncCodec.packetInNxm2(out, version, packetIn(reason, cookie, new byte[0]));
        Map<Integer, String> properties = new TreeMap<>();
        while (out.isReadable()) {
            int type = out.readUnsignedShort();
            int length = out.readUnsignedShort();
            byte[] content = new byte[length - 4];
            out.readBytes(content);
            out.skipBytes(-length & 7);
            properties.put(type, HexFormat.of().formatHex(content));
        }
        return properties;
    }

    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void theCookieOfAFlowIsToldThoughItIsZero(WireVersion version) {
        assertThat(properties(version, PacketInReason.ACTION, 0)).containsEntry(COOKIE, "000000000000000000000000");
        assertThat(properties(version, PacketInReason.ACTION, 7)).containsEntry(COOKIE, "000000000000000000000007");
    }

    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void whereNoFlowWasMetThereIsNoCookie(WireVersion version) {
        assertThat(properties(version, PacketInReason.PACKET_OUT, -1)).doesNotContainKey(COOKIE);
    }

    @Test
    void reasonsThatCameWithVersion14AreActionsBefore() {
        for (PacketInReason reason :
                new PacketInReason[] {PacketInReason.ACTION_SET, PacketInReason.GROUP, PacketInReason.PACKET_OUT}) {
            assertThat(properties(WireVersion.OF10, reason, 0)).containsEntry(REASON, "01");
            assertThat(properties(WireVersion.OF13, reason, 0)).containsEntry(REASON, "01");
            assertThat(properties(WireVersion.OF15, reason, 0)).containsEntry(REASON, "0" + reason.number());
        }
    }

    @Test
    void userdataIsAProperty() {
        ByteBuf out = Unpooled.buffer();
        AsyncCodec.packetInNxm2(out, WireVersion.OF13, packetIn(PacketInReason.ACTION, 0, new byte[] {1, 2, 3}));
        assertThat(ByteBufUtil.hexDump(out)).endsWith("0007000701020300");
    }
}
