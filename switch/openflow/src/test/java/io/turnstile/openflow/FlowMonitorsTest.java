package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfErrorCode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Flow monitors of connections to a real bridge; how updates look on the wire is in FlowMonitorCodecTest. */
class FlowMonitorsTest {
    private static final int MULTIPART_REQUEST = 18;
    private static final int MULTIPART_REPLY = 19;
    private static final int BARRIER_REQUEST = 20;
    private static final int BARRIER_REPLY = 21;
    private static final int FLOW_MONITOR = 16;
    private static final int ALL = 0x0f;
    private static final int ACTIONS = 0x10;
    private static final int OWN = 0x40;
    private static final List<String> EVENTS =
            List.of("INITIAL", "ADDED", "REMOVED", "MODIFIED", "ABBREV", "PAUSED", "RESUMED");

    private final MonitorPeers peers = new MonitorPeers();
    private final MonitorPeers.Peer peer = peers.join(WireVersion.OF14);

    @AfterEach
    void close() {
        assertThat(peers.failures).isEmpty();
        peers.close();
    }

    private static void monitor(ByteBuf out, int id, int command, int flags, int table) {
        out.writeInt(id)
                .writeInt(-1)
                .writeInt(-1)
                .writeShort(flags)
                .writeByte(table)
                .writeByte(command)
                .writeShort(1)
                .writeShort(4)
                .writeZero(4);
    }

    private ByteBuf request(int xid, int id, int command, int flags) {
        return peer.message(MULTIPART_REQUEST, xid, body -> {
            body.writeShort(FLOW_MONITOR).writeZero(6);
            monitor(body, id, command, flags, 0xff);
        });
    }

    private ByteBuf barrier(int xid) {
        return peer.message(BARRIER_REQUEST, xid, body -> {});
    }

    /** Event and, of flows, the cookie; barriers' answers, errors, and a line where a message begins. */
    private static List<String> texts(List<ByteBuf> messages) {
        List<String> texts = new ArrayList<>();
        for (ByteBuf message : messages) {
            int type = message.getUnsignedByte(Wire.TYPE_OFFSET);
            if (type == BARRIER_REPLY) {
                texts.add("barrier");
            } else if (type == MULTIPART_REPLY) {
                texts.add("xid=" + message.getInt(Wire.XID_OFFSET));
                for (int at = 16; at < message.readableBytes(); at += message.getUnsignedShort(at)) {
                    String event = EVENTS.get(message.getUnsignedShort(at + 2));
                    texts.add(
                            switch (event) {
                                case "ABBREV" -> event + " " + message.getInt(at + 4);
                                case "PAUSED", "RESUMED" -> event;
                                default -> event + " " + message.getLong(at + 16);
                            });
                }
            } else {
                texts.add(type + " " + Dialogue.error(message));
            }
        }
        return texts;
    }

    private List<String> say(ByteBuf message) {
        return texts(peer.say(message));
    }

    @Test
    void whatIsThereIsToldFirstAndThenWhatBecomesOfIt() throws Exception {
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        assertThat(say(request(7, 5, 0, ALL | ACTIONS | OWN))).containsExactly("xid=7", "INITIAL 1");
        peers.flow(FlowMod.Command.ADD, "cookie=2,tcp,actions=1");
        peers.flow(FlowMod.Command.MODIFY, "udp,actions=2");
        peers.flow(FlowMod.Command.DELETE, "");
        assertThat(texts(peer.answers()).stream().filter(line -> !line.startsWith("xid")))
                .startsWith("ADDED 2", "MODIFIED 1")
                .containsExactlyInAnyOrder("ADDED 2", "MODIFIED 1", "REMOVED 1", "REMOVED 2");
    }

    @Test
    void ownChangesAreAbbreviatedUnlessAsked() {
        assertThat(say(request(7, 5, 0, ALL))).containsExactly("xid=7");
        assertThat(say(flow(20, 3))).containsExactly("xid=0", "ABBREV 20");
        assertThat(say(request(8, 6, 0, ALL | OWN))).containsExactly("xid=8", "INITIAL 3");
        assertThat(say(flow(21, 4))).containsExactly("xid=0", "ADDED 4");
        assertThat(say(request(9, 6, 2, 0))).containsExactly("xid=9");
        assertThat(say(flow(22, 5))).containsExactly("xid=0", "ABBREV 22");
        MonitorPeers.Peer other = peers.join(WireVersion.OF14);
        other.say(flow(23, 6));
        assertThat(texts(peer.answers())).containsExactly("xid=0", "ADDED 6");
    }

    /** An ADD of a flow of that cookie and priority. */
    private ByteBuf flow(int xid, int cookie) {
        return peer.message(
                14,
                xid,
                body -> body.writeLong(cookie)
                        .writeLong(0)
                        .writeZero(6)
                        .writeShort(cookie)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeInt(-1)
                        .writeZero(4)
                        .writeShort(1)
                        .writeShort(4)
                        .writeZero(4));
    }

    /** The extension promises it: who hears of a change has heard of it before the answer to his barrier. */
    @Test
    void whatChangedIsToldBeforeTheBarrierIsAnswered() {
        say(request(7, 5, 0, ALL));
        assertThat(say(Unpooled.wrappedBuffer(flow(20, 3), barrier(21), flow(22, 4), barrier(23))))
                .containsExactly("xid=0", "ABBREV 20", "barrier", "xid=0", "ABBREV 22", "barrier");
    }

    @Test
    void aMonitorHearsNothingOfWhatCameBeforeItAndItsLikeIsRefused() throws Exception {
        say(request(7, 5, 0, ALL & ~1));
        assertThat(say(request(8, 5, 0, ALL))).containsExactly("1 OFPMOFC_MONITOR_EXISTS");
        assertThat(say(request(8, 6, 1, ALL))).containsExactly("1 OFPMOFC_UNKNOWN_MONITOR");
        assertThat(say(request(8, 6, 2, 0))).containsExactly("1 OFPMOFC_UNKNOWN_MONITOR");
        assertThat(say(request(8, 6, 3, ALL))).containsExactly("1 OFPMOFC_BAD_COMMAND");
        assertThat(say(request(8, 6, 0, 1))).containsExactly("1 OFPMOFC_BAD_FLAGS");
        assertThat(say(request(8, 6, 0, 0x80 | ALL))).containsExactly("1 OFPMOFC_BAD_FLAGS");
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        assertThat(texts(peer.answers())).containsExactly("xid=0", "ADDED 1");
        assertThat(say(request(9, 5, 1, 0x4))).containsExactly("xid=9");
        peers.flow(FlowMod.Command.ADD, "cookie=2,tcp,actions=1");
        assertThat(peer.answers()).isEmpty();
        assertThat(say(request(10, 5, 2, 0))).containsExactly("xid=10");
        peers.flow(FlowMod.Command.DELETE, "");
        assertThat(peer.answers()).isEmpty();
    }

    /** All of a request's monitors come to be, or none. */
    @Test
    void aRequestThatIsPartlyWrongDoesNothing() throws Exception {
        ByteBuf both = peer.message(MULTIPART_REQUEST, 7, body -> {
            body.writeShort(FLOW_MONITOR).writeZero(6);
            monitor(body, 1, 0, ALL, 0xff);
            monitor(body, 1, 0, ALL, 0xff);
        });
        assertThat(say(both)).containsExactly("1 OFPMOFC_MONITOR_EXISTS");
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        assertThat(peer.answers()).isEmpty();
        ByteBuf cut = peer.message(MULTIPART_REQUEST, 7, body -> {
            body.writeShort(FLOW_MONITOR).writeZero(6);
            monitor(body, 1, 0, ALL, 0xff);
            body.writeZero(15);
        });
        assertThat(say(cut)).containsExactly("1 OFPBRC_BAD_LEN");
        assertThat(say(request(9, 1, 2, 0))).containsExactly("1 OFPMOFC_UNKNOWN_MONITOR");
    }

    @Test
    void thereAreSoManyMonitorsOfAConnectionAndNoMore() {
        for (int i = 0; i < FlowMonitors.MAX_MONITORS; i++) {
            say(request(7, i, 0, ALL));
        }
        assertThat(say(request(8, -1, 0, ALL))).containsExactly("1 OFPMOFC_UNKNOWN");
        assertThat(say(request(9, 3, 1, ALL))).containsExactly("xid=9");
    }

    @Test
    void aSlowPeerIsToldOfAPauseAndThenOfWhatItHasMissed() throws Exception {
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        peers.flow(FlowMod.Command.ADD, "cookie=2,tcp,actions=1");
        say(request(7, 5, 0, ALL | OWN));
        peer.setReading(false);
        int many = FlowMonitors.PAUSE_FLOWS + 500;
        for (int i = 0; i < many; i++) {
            peers.clock.advance(java.time.Duration.ofMillis(1));
            peers.flow(FlowMod.Command.ADD, "cookie=100,table=1,priority=" + i + ",actions=1");
        }
        peers.flow(FlowMod.Command.MODIFY, "cookie=2/-1,actions=2");
        peers.flow(FlowMod.Command.DELETE, "cookie=1/-1");
        peers.flow(FlowMod.Command.DELETE, "cookie=100/-1");
        peers.flow(FlowMod.Command.ADD, "cookie=3,icmp,actions=1");
        peers.flow(FlowMod.Command.ADD, "cookie=4,arp,actions=1");
        peers.flow(FlowMod.Command.DELETE, "arp");
        assertThat(peer.answers()).isEmpty();
        peer.setReading(true);
        List<String> told = texts(peer.answers());
        told.removeIf(line -> line.startsWith("xid"));
        int paused = told.indexOf("PAUSED");
        assertThat(paused).isGreaterThan(FlowMonitors.PAUSE_FLOWS).isLessThan(many);
        assertThat(told.subList(0, paused)).containsOnly("ADDED 100");
        List<String> after = told.subList(paused + 1, told.size());
        // Of those that came after the pause nobody knows, so that nobody is told of their going.
        assertThat(after.stream().filter("REMOVED 100"::equals)).hasSizeBetween(paused - 1, paused + 1);
        assertThat(after.stream().filter(line -> !line.equals("REMOVED 100")))
                .startsWith("REMOVED 1")
                .endsWith("RESUMED")
                .containsExactlyInAnyOrder("REMOVED 1", "MODIFIED 2", "ADDED 3", "RESUMED");
        peers.flow(FlowMod.Command.ADD, "cookie=5,ipv6,actions=1");
        assertThat(texts(peer.answers())).containsExactly("xid=0", "ADDED 5");
    }

    /**
     * A flow that was there and has its place taken during a pause is known to the peer, who has to hear that it goes.
     */
    @Test
    void whatWasReplacedDuringAPauseIsNotForgottenWhenItGoes() throws Exception {
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        say(request(7, 5, 0, ALL));
        peer.setReading(false);
        for (int i = 0; i < FlowMonitors.PAUSE_FLOWS + 2; i++) {
            peers.clock.advance(java.time.Duration.ofMillis(1));
            peers.flow(FlowMod.Command.ADD, "cookie=100,table=1,priority=" + i + ",actions=1");
        }
        peers.clock.advance(java.time.Duration.ofMillis(1));
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=2");
        peers.flow(FlowMod.Command.DELETE, "udp");
        peer.setReading(true);
        assertThat(texts(peer.answers())).contains("REMOVED 1").endsWith("RESUMED");
    }

    @Test
    void expiredFlowsAreToldOneByOne() throws Exception {
        say(request(7, 5, 0, ALL));
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,hard_timeout=1,actions=1");
        peers.flow(FlowMod.Command.ADD, "cookie=2,tcp,hard_timeout=1,actions=1");
        peer.answers();
        peers.pass(java.time.Duration.ofSeconds(2));
        assertThat(texts(peer.answers()).stream().filter("xid=0"::equals)).hasSize(2);
    }

    /** Each version under its own numbers. */
    @ParameterizedTest
    @EnumSource(WireVersion.class)
    void everyVersionHasItsOwnForm(WireVersion version) throws Exception {
        MonitorPeers.Peer other = peers.join(version);
        boolean old = !version.isAtLeast(WireVersion.OF13);
        int statistics = version == WireVersion.OF10 ? 16 : MULTIPART_REQUEST;
        ByteBuf request = other.message(statistics, 7, body -> {
            int pad = version == WireVersion.OF10 ? 0 : 4;
            if (version.hasProperties()) {
                body.writeShort(FLOW_MONITOR).writeZero(6);
                monitor(body, 1, 0, ALL, 0xff);
            } else {
                body.writeShort(0xffff).writeZero(2 + pad).writeInt(old ? 0x2320 : 0x4f4e4600);
                body.writeInt(old ? 2 : 1870).writeZero(version == WireVersion.OF10 ? 4 : 0);
                body.writeInt(1).writeShort(ALL);
                if (old) {
                    body.writeShort(0xffff).writeShort(0).writeByte(0xff).writeZero(5);
                } else {
                    body.writeShort(4).writeInt(-1).writeByte(0xff).writeZero(3);
                    body.writeShort(1).writeShort(4).writeZero(4);
                }
            }
        });
        List<ByteBuf> reply = other.say(request);
        assertThat(reply).hasSize(1);
        assertThat(reply.getFirst().getUnsignedByte(Wire.TYPE_OFFSET)).isEqualTo((short) (statistics + 1));
        peers.flow(FlowMod.Command.ADD, "cookie=1,udp,actions=1");
        List<ByteBuf> update = other.answers();
        assertThat(update).hasSize(1);
        int head = reply.getFirst().readableBytes();
        assertThat(update.getFirst().slice(8, head - 8))
                .isEqualTo(reply.getFirst().slice(8, head - 8));
        assertThat(update.getFirst().getInt(Wire.XID_OFFSET)).isZero();
        assertThat(update.getFirst().getUnsignedShort(head + 2)).isEqualTo(version.hasProperties() ? 1 : 0);
        if (!version.hasProperties()) {
            ByteBuf cancel = other.message(
                    4,
                    9,
                    body -> body.writeInt(old ? 0x2320 : 0x4f4e4600)
                            .writeInt(old ? 21 : 1870)
                            .writeInt(1));
            assertThat(other.say(cancel.copy())).isEmpty();
            assertThat(other.say(cancel))
                    .singleElement()
                    .satisfies(error ->
                            assertThat(error.getUnsignedByte(Wire.TYPE_OFFSET)).isEqualTo((short) 1));
        }
    }

    /** What is wrong with a request of the older forms, by Open vSwitch's errors. */
    @ParameterizedTest
    @CsvSource({
        "0110003400000007ffff000000002320000000020000000000000001000fffff0000ff0000000001,"
                + " 0004 NXBRC_MUST_BE_ZERO",
    })
    void reservedBytesHaveToBeZero(String hex, String expected) {
        MonitorPeers.Peer other = peers.join(WireVersion.OF10);
        byte[] bytes = HexFormat.of().parseHex(hex);
        bytes[3] = (byte) bytes.length;
        ByteBuf error = other.say(Unpooled.wrappedBuffer(bytes)).getFirst();
        assertThat(error.getUnsignedByte(Wire.TYPE_OFFSET)).isEqualTo((short) 1);
        assertThat(OfErrorCode.valueOf(expected.substring(5)).in(1).code()).isEqualTo(error.getUnsignedShort(18));
    }
}
