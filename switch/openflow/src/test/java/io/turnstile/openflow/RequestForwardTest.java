package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.GroupCodec;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.TableSettings;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupMod;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What controllers are told of each other's requests, and of tables, if their masks say so. */
class RequestForwardTest {
    /** As Open vSwitch's own tests send it: ADD group_id=1,type=all,bucket=actions=drop. */
    private static final String GROUP_14 =
            "050f0020" + "00000002" + "0000000000000001" + "00100000ffffffffffffffff00000000";

    private static final String GROUP_13 = "04" + GROUP_14.substring(2);
    private static final String METER_13 =
            "041d0020" + "00000005" + "0000000100000001" + "0001001000000064" + "0000000000000000";

    private final MonitorPeers peers = new MonitorPeers();

    @AfterEach
    void close() {
        assertThat(peers.failures).isEmpty();
        peers.close();
    }

    private static ByteBuf bytes(String hex) {
        return Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex));
    }

    private static List<String> hex(List<ByteBuf> messages) {
        return messages.stream().map(ByteBufUtil::hexDump).toList();
    }

    /** One whose masks have these bits for requests of others. */
    private MonitorPeers.Peer listening(WireVersion version, int property, int mask) {
        MonitorPeers.Peer peer = peers.join(version);
        peer.say(
                version.isAtLeast(WireVersion.OF14)
                        ? peer.message(
                                28,
                                9,
                                body -> body.writeShort(property).writeShort(8).writeInt(mask))
                        : peer.message(
                                4,
                                9,
                                body -> body.writeInt(Wire.NICIRA)
                                        .writeInt(27)
                                        .writeShort(property)
                                        .writeShort(8)
                                        .writeInt(mask)));
        return peer;
    }

    @Test
    void groupModsAreForwardedToThoseWhoWantThemInTheirVersion() throws Exception {
        MonitorPeers.Peer source = listening(WireVersion.OF14, 11, 3);
        MonitorPeers.Peer same = listening(WireVersion.OF14, 11, 3);
        MonitorPeers.Peer newer = listening(WireVersion.OF15, 11, 1);
        MonitorPeers.Peer older = listening(WireVersion.OF13, 11, 1);
        MonitorPeers.Peer oldest = listening(WireVersion.OF10, 11, 1);
        MonitorPeers.Peer metersOnly = listening(WireVersion.OF14, 11, 2);
        MonitorPeers.Peer deaf = peers.join(WireVersion.OF14);
        assertThat(source.say(bytes(GROUP_14))).isEmpty();
        assertThat(hex(same.answers())).containsExactly("0520002800000000" + GROUP_14);
        assertThat(hex(older.answers())).containsExactly("0404003000000000" + "4f4e46000000092e" + GROUP_13);
        ByteBuf told = newer.answers().getFirst();
        assertThat(ByteBufUtil.hexDump(told, 0, 2) + ByteBufUtil.hexDump(told, 8, 2))
                .isEqualTo("0620" + "060f");
        assertThat(told.getInt(12)).isEqualTo(2);
        GroupMod group = GroupCodec.read(told.skipBytes(16), WireVersion.OF15);
        assertThat(group.command()).isEqualTo(GroupMod.Command.ADD);
        assertThat(group.buckets()).hasSize(1);
        ByteBuf oldForm = oldest.answers().getFirst();
        assertThat(ByteBufUtil.hexDump(oldForm, 8, 8)).isEqualTo("0000232000000084");
        assertThat(ByteBufUtil.hexDump(oldForm, 16, 2) + ByteBufUtil.hexDump(oldForm, 24, 8))
                .isEqualTo("0104" + "000023200000001f");
        assertThat(metersOnly.answers()).isEmpty();
        assertThat(deaf.answers()).isEmpty();
        // A request that is refused changed nothing.
        assertThat(source.say(bytes(GROUP_14))).hasSize(1);
        assertThat(same.answers()).isEmpty();
    }

    @Test
    void meterModsAreForwardedWhereThereAreMeters() {
        MonitorPeers.Peer source = peers.join(WireVersion.OF13);
        MonitorPeers.Peer newer = listening(WireVersion.OF14, 11, 3);
        MonitorPeers.Peer oldest = listening(WireVersion.OF10, 11, 3);
        assertThat(source.say(bytes(METER_13))).isEmpty();
        assertThat(hex(newer.answers())).containsExactly("0520002800000000" + "05" + METER_13.substring(2));
        assertThat(oldest.answers()).isEmpty();
    }

    @Test
    void whatABundleChangedIsForwardedOnceItIsInForce() {
        MonitorPeers.Peer source = peers.join(WireVersion.OF14);
        MonitorPeers.Peer other = listening(WireVersion.OF14, 11, 1);
        source.say(bytes("05210010000000010000000700000002"));
        source.say(bytes("0522003000000002" + "0000000700000002" + GROUP_14));
        assertThat(other.answers()).isEmpty();
        assertThat(hex(source.say(bytes("05210010000000030000000700040002"))))
                .containsExactly("05210010000000030000000700050000");
        assertThat(hex(other.answers())).containsExactly("0520002800000000" + GROUP_14);
    }

    /** A port's change is refused in an atomic bundle, and made in any other. */
    @Test
    void aPortIsChangedByABundleThatIsNotAtomic() {
        MonitorPeers.Peer peer = peers.join(WireVersion.OF14);
        String portMod = "05100028" + "00000002" + "00000001" + "00000000" + "0200000000020000" + "0000002000000020"
                + "0000000800000000";
        assertThat(commit(peer, 3, portMod))
                .contains("05210010000000030000000800040003")
                .doesNotContain("00050003");
        assertThat(peers.bridge.ports().get(1).config()).isZero();
        assertThat(commit(peer, 2, portMod))
                .startsWith("05210010000000030000000800050000 050c"); // and the port is told of
        assertThat(peers.bridge.ports().get(1).config()).isNotZero();
    }

    private static String commit(MonitorPeers.Peer peer, int flags, String message) {
        String id = "0000000800%02x00%02x";
        peer.say(bytes("0521001000000001" + id.formatted(0, flags)));
        int length = 16 + message.length() / 2;
        peer.say(bytes("0522%04x00000002".formatted(length) + "000000080000" + "00%02x".formatted(flags) + message));
        List<ByteBuf> answers = peer.say(bytes("0521001000000003" + id.formatted(4, flags)));
        return String.join(" ", hex(answers));
    }

    @Test
    void tablesAreToldOfToThoseWhoWantIt() throws Exception {
        MonitorPeers.Peer peer = listening(WireVersion.OF14, 9, 0x18);
        MonitorPeers.Peer deaf = peers.join(WireVersion.OF14);
        peers.bridge.configureTables(Map.of(0, new TableSettings("t", 4, false, List.of())));
        peer.say(bytes("0511001800000004000000000000000c" + "0003000832500000"));
        for (int i = 0; i < 3; i++) {
            peers.flow(FlowMod.Command.ADD, "priority=" + i + ",actions=drop");
        }
        assertThat(hex(peer.answers()))
                .containsExactly("051f002800000000" + "0300000000000000" + "001800000000000c" + "0002000800000007"
                        + "0003000832501900");
        assertThat(deaf.answers()).isEmpty();
    }
}
