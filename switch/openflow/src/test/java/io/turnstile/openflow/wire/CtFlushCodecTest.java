package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.conntrack.ConnectionFilter;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Messages as Debian's ovs-ofctl sends them (what stands behind the subtype), and broken ones. */
class CtFlushCodecTest {
    /** {@code ct-flush zone=5 ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_src=80 ct_nw_dst=10.0.0.2}. */
    private static final String PARTIAL =
            "110000000000000000000028000000000000001400000000000000000000ffff0a0000010000000000"
                    + "0200080050000000010020000000000001001400000000000000000000ffff0a000002000000000002000800050000";
    /** {@code ct-flush ct_ipv6_src=fc00::1,ct_nw_proto=58,icmp_type=128,icmp_id=7}. */
    private static final String ICMP6 =
            "3a00000000000000000000380000000000000014fc000000000000000000000000000001000000000004"
                    + "000800070000000500058000000000060005000000000001002000000000000400080000000000050005000000000006000500000000";

    private static ByteBuf bytes(String hex) {
        return Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex));
    }

    private static OfErrorCode refusal(String hex) {
        return catchThrowableOfType(OfException.class, () -> CtFlushCodec.read(bytes(hex)))
                .code();
    }

    @Test
    void zone() throws OfException {
        ConnectionFilter filter = CtFlushCodec.readZone(bytes("0000000000000007"));
        assertThat(filter.zone).isEqualTo(7);
        assertThat(filter.isEmpty()).isTrue();
        OfException refused =
                catchThrowableOfType(OfException.class, () -> CtFlushCodec.readZone(bytes("0000010000000007")));
        assertThat(refused.code()).isEqualTo(OfErrorCode.NXBRC_MUST_BE_ZERO);
    }

    @Test
    void partsOfBothTuples() throws OfException {
        ConnectionFilter filter = CtFlushCodec.read(bytes(PARTIAL));
        assertThat(filter.zone).isEqualTo(5);
        assertThat(filter.protocol).isEqualTo(17);
        assertThat(filter.ipv6).isFalse();
        assertThat(filter.original.sourceLow).isEqualTo(0x0a000001);
        assertThat(filter.original.sourcePort).isEqualTo(80);
        assertThat(filter.reply.destinationLow).isEqualTo(0x0a000002);
        assertThat(filter.isEmpty()).isFalse();
        assertThat(filter.namesOne()).isFalse();
    }

    @Test
    void icmpOverIpv6() throws OfException {
        ConnectionFilter filter = CtFlushCodec.read(bytes(ICMP6));
        assertThat(filter.ipv6).isTrue();
        assertThat(filter.original.sourceHigh).isEqualTo(0xfc00_0000_0000_0000L);
        assertThat(filter.original.icmpType).isEqualTo(128);
        assertThat(filter.original.icmpId).isEqualTo(7);
        assertThat(filter.original.icmpCode).as("zero is any").isNull();
        assertThat(filter.reply.icmpType)
                .as("a tuple that ovs-ofctl sends though nothing was asked of it")
                .isNull();
    }

    @Test
    void markWithoutMaskIsWantedAsItIs() throws OfException {
        assertThat(CtFlushCodec.read(bytes("00000000000000000003000800000005")).markMask)
                .isEqualTo(-1);
        assertThat(CtFlushCodec.read(bytes("000000000000000000030008000000050004000800000001")).markMask)
                .isEqualTo(1);
    }

    @Test
    void brokenPropertiesAreNamed() {
        assertThat(refusal("0001000000000000")).isEqualTo(OfErrorCode.NXBRC_MUST_BE_ZERO);
        assertThat(refusal("00000000000000000009000800000005")).isEqualTo(OfErrorCode.OFPBPC_BAD_TYPE);
        assertThat(refusal("00000000000000000003000300000005")).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
        assertThat(refusal("00000000000000000003001000000005")).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
        assertThat(refusal("00000000000000000002000500050000")).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
        assertThat(refusal("00000000000000000003000600000005")).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
        assertThat(refusal(PARTIAL.replace("ffff0a000002", "fffe0a000002"))).isEqualTo(OfErrorCode.OFPBPC_BAD_VALUE);
    }

    @Test
    void experimentersPropertiesAreRefusedByTheirOwnErrors() {
        assertThat(refusal("0000000000000000ffff000800000001")).isEqualTo(OfErrorCode.OFPBPC_BAD_LEN);
        assertThat(refusal("0000000000000000ffff000c000000000000000100000000"))
                .isEqualTo(OfErrorCode.OFPBPC_BAD_EXPERIMENTER);
        assertThat(refusal("0000000000000000ffff000c000023200000000100000000"))
                .isEqualTo(OfErrorCode.OFPBPC_BAD_EXP_TYPE);
    }

    @Test
    void lengthIsThatOfWholeEights() {
        assertThat(refusal("0000")).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("000000000000000000020006")).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        OfException refused = catchThrowableOfType(
                OfException.class, () -> CtFlushCodec.readZone(bytes("00000000000000070000000000000000")));
        assertThat(refused.code()).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
    }

    @Test
    void whatFollowsAShortNumberDoesNotMatter() throws OfException {
        assertThat(CtFlushCodec.read(bytes("00000000000000000002000600050000")).zone)
                .isEqualTo(5);
        assertThat(CtFlushCodec.read(bytes("000000000000000000020008000500ff")).zone)
                .isEqualTo(5);
    }

    @Test
    void mutilatedMessagesNeverFailInAnotherWay() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] message = HexFormat.of().parseHex(random.nextBoolean() ? PARTIAL : ICMP6);
            for (int j = random.nextInt(4); j >= 0; j--) {
                message[random.nextInt(message.length)] = (byte) random.nextInt();
            }
            ByteBuf cut = Unpooled.wrappedBuffer(message, 0, random.nextInt(message.length + 1));
            try {
                CtFlushCodec.read(cut);
            } catch (OfException refused) {
                assertThat(refused.code()).as("seed " + seed).isNotNull();
            }
        }
    }
}
