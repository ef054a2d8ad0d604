package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MatchCodecTest {

    /** OFPBMC_DUP_FIELD (OpenFlow 1.5.1 §7.2.3.1): whatever they are called by. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "80000c02 1005 80000c02 1005", // vlan_vid
                "80000c02 1005 00000802 1050" // vlan_vid, vlan_tci
            })
    void bitsAreMatchedOnce(String fields) {
        byte[] bytes = HexFormat.of().parseHex(fields.replace(" ", ""));
        ByteBuf match =
                Unpooled.buffer().writeShort(1).writeShort(4 + bytes.length).writeBytes(bytes);
        Wire.pad(match, 0);
        OfException refused = catchThrowableOfType(OfException.class, () -> MatchCodec.read(match));
        assertThat(refused).isNotNull();
        assertThat(refused.code()).isEqualTo(OfErrorCode.OFPBMC_DUP_FIELD);
    }
}
