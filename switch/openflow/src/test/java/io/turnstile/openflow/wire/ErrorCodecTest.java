package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.OfErrorCode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorCodecTest {
    /** As ofp-errors.h of Open vSwitch 3.1 has them: what stands behind the header. */
    @ParameterizedTest
    @CsvSource({
        "OFPBRC_BAD_LEN,OF10,00010006",
        "OFPBRC_BAD_LEN,OF15,00010006",
        "OFPBRC_BAD_PORT,OF10,b0c2000000002320" + "00010202",
        "OFPBRC_BAD_PORT,OF11,b0c2000000002320" + "00010202",
        "OFPBRC_BAD_PORT,OF12,0001000b",
        "OFPBAC_BAD_OUT_GROUP,OF10,b0c2000000002320" + "00020009",
        "OFPBAC_BAD_OUT_GROUP,OF11,00020009",
        "OFPFMFC_BAD_FLAGS,OF10,b0c2000000002320" + "00030102",
        "OFPFMFC_BAD_FLAGS,OF11,b0c2000000002320" + "00050102",
        "OFPFMFC_BAD_FLAGS,OF12,00050007",
        "OFPBIC_DUP_INST,OF10,b0c2000000002320" + "00010209",
        "OFPBIC_DUP_INST,OF11,b0c2000000002320" + "00030100",
        "OFPBIC_DUP_INST,OF12,ffff0a284f4e4600",
        "OFPBIC_DUP_INST,OF13,ffff0a284f4e4600",
        "OFPBIC_DUP_INST,OF14,00030009",
        "OFPBPC_BAD_VALUE,OF11,b0c2000000002320" + "000d0004",
        "OFPBPC_BAD_VALUE,OF12,ffff001b00002320",
        "OFPBPC_BAD_VALUE,OF13,000d0004",
        "OFPBPC_BAD_VALUE,OF14,000e0002",
        "OFPBPC_BAD_EXP_TYPE,OF13,ffff115e4f4e4600",
        "OFPBFC_MSG_FAILED,OF12,ffff000500002320",
        "OFPBFC_MSG_FAILED,OF13,ffff09094f4e4600",
        "OFPBFC_MSG_FAILED,OF14,0011000d",
        "OFPBFC_BAD_VERSION,OF14,ffff001600002320",
        "NXBRC_MUST_BE_ZERO,OF11,b0c2000000002320" + "00010203",
        "NXBRC_MUST_BE_ZERO,OF12,ffff000400002320"
    })
    void anErrorIsSaidAsEachVersionHasIt(OfErrorCode error, WireVersion version, String expected) {
        ByteBuf out = Unpooled.buffer();
        ErrorCodec.write(out, version, 1, error, Unpooled.EMPTY_BUFFER);
        assertThat(ByteBufUtil.hexDump(out.skipBytes(Wire.HEADER_BYTES))).isEqualTo(expected);
    }
}
