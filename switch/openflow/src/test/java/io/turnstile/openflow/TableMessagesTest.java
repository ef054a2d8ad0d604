package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.OfPort;
import io.turnstile.pipeline.TableMiss;
import io.turnstile.pipeline.TlvTable.Mapping;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.port.PortQueue;
import io.turnstile.port.PortStatistics;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tables' configuration, the queues of ports, the options that tunnels' metadata stand for. Bytes are those that
 * ovs-ofctl and ovs-vswitchd 3.1 exchange.
 */
class TableMessagesTest {
    private static ByteBuf bytes(String hex) {
        return Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex));
    }

    private static String answer(Dialogue peer, String request) {
        return ByteBufUtil.hexDump(peer.say(bytes(request)).getFirst());
    }

    /** {@code ovs-ofctl -O OpenFlow12 mod-table br0 0 continue} and so on. */
    @Test
    void whatBecomesOfMissesIsSaidForOneTableOrAll() {
        try (Dialogue peer = new Dialogue(WireVersion.OF12).greeted()) {
            assertThat(peer.say(bytes("03110010000000040000000000000001"))).isEmpty();
            assertThat(peer.bridge.tables().getFirst().miss()).isEqualTo(TableMiss.CONTINUE);
            assertThat(peer.bridge.tables().get(1).miss()).isEqualTo(TableMiss.DEFAULT);
            peer.say(bytes("0311001000000004ff00000000000002"));
            assertThat(peer.bridge.tables()).allMatch(table -> table.miss() == TableMiss.DROP);
            peer.say(bytes("0311001000000004fd00000000000000"));
            assertThat(peer.bridge.tables().getLast().miss()).isEqualTo(TableMiss.CONTROLLER);
        }
    }

    @Test
    void from13OnMissesAreNotSpokenOf() {
        try (Dialogue peer = new Dialogue(WireVersion.OF15).greeted()) {
            assertThat(peer.refusal(tableMod(peer, 0, 0, ""))).isNull();
            assertThat(peer.refusal(tableMod(peer, 254, 0, ""))).isEqualTo(OfErrorCode.OFPTMFC_BAD_TABLE);
            assertThat(peer.refusal(tableMod(peer, 0, 0x10, ""))).isEqualTo(OfErrorCode.OFPTMFC_BAD_CONFIG);
            assertThat(peer.refusal(tableMod(peer, 0, 0, "0002000800000001")))
                    .isEqualTo(OfErrorCode.OFPTMFC_BAD_CONFIG);
            assertThat(peer.refusal(tableMod(peer, 0, 0, "00030008500a0000"))).isEqualTo(OfErrorCode.OFPBPC_BAD_VALUE);
            assertThat(peer.refusal(tableMod(peer, 0, 0, "0003000a0a500000" + "0000000000000000")))
                    .isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
            assertThat(peer.refusal(tableMod(peer, 0, 0, "00030002"))).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
            assertThat(peer.refusal(tableMod(peer, 0, 0, "0009000800000000"))).isEqualTo(OfErrorCode.OFPBPC_BAD_TYPE);
            assertThat(peer.bridge.tables()).allMatch(table -> table.miss() == TableMiss.DEFAULT);
        }
    }

    private static ByteBuf tableMod(Dialogue peer, int table, int config, String properties) {
        return peer.message(
                MessageType.TABLE_MOD,
                7,
                body -> body.writeByte(table).writeZero(3).writeInt(config).writeBytes(bytes(properties)));
    }

    /** {@code ovs-ofctl -O OpenFlow14 mod-table br0 0 evict} and {@code vacancy:20,80}, and the description after. */
    @Test
    void evictionAndEventsOfVacancyAreSaidAndDescribed() {
        try (Dialogue peer = new Dialogue(WireVersion.OF14).greeted()) {
            assertThat(peer.say(bytes("05110010000000040000000000000004"))).isEmpty();
            assertThat(described(peer)).startsWith("0010000000000004" + "0002000800000007");
            assertThat(peer.say(bytes("0511001800000004000000000000000c" + "0003000814500000")))
                    .isEmpty();
            assertThat(described(peer)).startsWith("001800000000000c" + "0002000800000007" + "0003000814506400");
            assertThat(peer.say(bytes("05110010000000040000000000000000"))).isEmpty();
            assertThat(described(peer)).startsWith("0010000000000000" + "0002000800000007");
        }
    }

    private static String described(Dialogue peer) {
        ByteBuf reply = peer.say(bytes("0512001000000002000e000000000000")).getFirst();
        return ByteBufUtil.hexDump(reply, 16, 24);
    }

    @Test
    void everyTableIsDescribed() {
        try (Dialogue peer = new Dialogue(WireVersion.OF14).greeted()) {
            ByteBuf reply = peer.say(bytes("0512001000000002000e000000000000")).getFirst();
            assertThat(reply.readableBytes()).isEqualTo(0xff0);
            assertThat(ByteBufUtil.hexDump(reply, 0, 48))
                    .isEqualTo("05130ff000000002000e000000000000"
                            + "00100000000000000002000800000007"
                            + "00100100000000000002000800000007");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "OF10,0114000c0000000200010000,01150010000000020001000000000000",
        "OF11,02160010000000020000000100000000,02170010000000020000000100000000",
        "OF13,04160010000000020000000100000000,04170010000000020000000100000000",
        "OF13,0416001000000002ffffffff00000000,0417001000000002ffffffff00000000",
        "OF14,0512001800000002000f00000000000000000001ffffffff,0513001000000002000f000000000000"
    })
    void aPortHasNoQueues(WireVersion version, String request, String reply) {
        try (Dialogue peer = new Dialogue(version).greeted()) {
            assertThat(answer(peer, request)).isEqualTo(reply);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "OF10,0114000c0000000200010000,01150018000000020001000000000000" + "0000000400080000",
        "OF11,02160010000000020000000100000000,02170018000000020000000100000000" + "0000000400080000",
        "OF13,04160010000000020000000100000000,04170020000000020000000100000000" + "00000004000000010010000000000000",
        "OF14,0512001800000002000f0000000000000000000100000004,0513002000000002000f000000000000"
                + "00000001000000040010000000000000",
        "OF10,01100014000000020005000000010000ffffffff,0111002c0000000200050000"
                + "000100000000000400000000000003e8000000000000000affffffffffffffff",
        "OF12,03120018000000020005000000000000ffffffff00000004,"
                + "0313007000000002000500000000000000000001000000040000000000"
                + "0003e8000000000000000affffffffffffffff00000002000000040000"
                + "0000000003e8000000000000000afffffffffffffffffffffffe000000"
                + "0400000000000003e8000000000000000affffffffffffffff",
        "OF13,041200180000000200050000000000000000000100000004,0413003800000002000500000000000000000001"
                + "0000000400000000000003e8000000000000000affffffffffffffffffffffffffffffff",
        "OF14,051200180000000200050000000000000000000100000004,05130040000000020005000000000000003000000000000000000001"
                + "0000000400000000000003e8000000000000000affffffffffffffffffffffffffffffff"
    })
    void queuesOfAPortAreTold(WireVersion version, String request, String reply) {
        try (Dialogue peer = new Dialogue(version).greeted()) {
            peer.bridge.queues.add(new PortQueue(4, 1000, 10, PortStatistics.UNKNOWN));
            assertThat(answer(peer, request)).isEqualTo(reply);
        }
    }

    @Test
    void countersOfTheDeviceItselfAreAPropertyOfItsPort() {
        try (Dialogue peer = new Dialogue(WireVersion.OF14).greeted()) {
            peer.bridge.customCounters.put("rx_odd", 258L);
            String reply = answer(peer, "0512001800000002000400000000000000000001" + "00000000");
            assertThat(reply).startsWith("051300a8000000020004000000000000" + "0098");
            assertThat(reply)
                    .endsWith("ffff001f0000aa010000000200000001" + "0672785f6f6464" + "0000000000000102" + "00");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0512001800000002000f00000000000000000009ffffffff,OFPQOFC_BAD_PORT",
        "0512001800000002000f0000000000000000000100000001,OFPQOFC_BAD_QUEUE",
    })
    void queuesThatAreNotThereAreRefused(String request, OfErrorCode error) {
        try (Dialogue peer = new Dialogue(WireVersion.OF14).greeted()) {
            assertThat(peer.refusal(bytes(request))).isEqualTo(error);
        }
    }

    @Test
    void optionsOfTunnelsAreMappedAndShown() {
        try (Dialogue peer = new Dialogue(WireVersion.OF13).greeted()) {
            assertThat(peer.say(bytes("0404002000000002000023200000001800000000" + "00000000ffff000400000000")))
                    .isEmpty();
            assertThat(peer.bridge.tlvTable().mappings()).containsExactly(new Mapping(0xffff, 0, 4, 0));
            assertThat(answer(peer, "04040010000000020000232000000019"))
                    .isEqualTo("0404002800000002000023200000001a" + "00000100004000000000000000000000"
                            + "ffff000400000000");
            peer.say(bytes("040400180000000200002320000000180002000000000000"));
            assertThat(peer.bridge.tlvTable().mappings()).isEmpty();
        }
    }

    /** class 16, type 8, length 8, index 16, pad 16 each. */
    @ParameterizedTest
    @CsvSource({
        "0003,'',NXTTMFC_BAD_COMMAND",
        "0000,0001000300010000,NXTTMFC_BAD_OPT_LEN",
        "0000,0001008000010000,NXTTMFC_BAD_OPT_LEN",
        "0000,0001000400400000,NXTTMFC_BAD_FIELD_IDX",
        "0000,ffff010400000000,NXTTMFC_ALREADY_MAPPED",
        "0000,ffff000400010000,NXTTMFC_DUP_ENTRY",
        "0000,0001007c000100000001017c00020000" + "0001020800030000,NXTTMFC_TABLE_FULL",
        "0000,00010004,OFPBRC_BAD_LEN"
    })
    void aBadMappingChangesNothing(String command, String mappings, OfErrorCode error) {
        try (Dialogue peer = new Dialogue(WireVersion.OF15).greeted()) {
            tlvTableMod(peer, "0000", "ffff000400000000");
            assertThat(tlvTableMod(peer, command, mappings)).isEqualTo(error);
            assertThat(peer.bridge.tlvTable().mappings()).hasSize(1);
            assertThat(tlvTableMod(peer, "0001", "0000000000050000" + "0000000000000000"))
                    .isNull();
            assertThat(peer.bridge.tlvTable().mappings()).isEmpty();
        }
    }

    private static OfErrorCode tlvTableMod(Dialogue peer, String command, String mappings) {
        ByteBuf body = bytes(command + "000000000000" + mappings);
        return peer.refusal(peer.message(MessageType.NXT_TLV_TABLE_MOD, Wire.NICIRA, out -> out.writeBytes(body)));
    }

    @Test
    void whatIsSaidInAnotherVersionIsRefusedInThatOne() {
        try (Dialogue peer = new Dialogue(WireVersion.OF10).greeted()) {
            assertThat(answer(peer, "0205000801234567"))
                    .isEqualTo("02010014" + "01234567" + "00010000" + "0205000801234567");
            assertThat(answer(peer, "0905000801234567"))
                    .isEqualTo("01010014" + "01234567" + "00010000" + "0905000801234567");
        }
    }

    @Test
    void aPortThatIsTurnedOffIsNotLive() {
        OfPort port = new OfPort(1, 1, "p1", 0, OfPort.CONFIG_PORT_DOWN, 0, null, 0);
        assertThat(PortMessages.describe(port, WireVersion.OF13).getState()).isEmpty();
    }
}
