package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Actions that ovs-ofctl of the main branch reads as the text beside them, in flows that match on nothing. */
class KeptAsTheyCameTest {
    @ParameterizedTest
    @CsvSource({
        // registers of version 3.7, whose fields are a vendor's
        "OF13, 00190010ffff22080000232000000001, set_field:0x1->reg16",
        "OF10, ffff001800002320 0021 ffff22080000232000000001 0000, set_field:0x1->reg16",
        "OF13, 00190010ffff40080000232000000002, set_field:0x2->reg31",
        "OF15, 0019001080011808 0000000100000002, set_field:0x100000002->xreg12",
        // OpenFlow 1.0's own, though nothing says that packets are of IP
        "OF10, 0006000801020304, mod_nw_src:1.2.3.4",
        "OF10, 0007000801020304, mod_nw_dst:1.2.3.4",
        "OF10, 0009000800550000, mod_tp_src:85",
        "OF11, 000a000800560000, mod_tp_dst:86",
        "OF10, ffff001000002320 00ff 000000000000, debug_recirc",
        "OF13, ffff001000002320 00fe 000000000000, debug_slow",
    })
    void anActionIsToldAsItCame(WireVersion version, String hex, String text) throws Exception {
        String bytes = hex.replace(" ", "");
        List<OfAction> actions = ActionCodec.read(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(bytes)), version);
        assertThat(FlowText.format(actions)).isEqualTo(text);
        ByteBuf out = Unpooled.buffer();
        ActionCodec.write(out, actions, Match.ANY, version);
        assertThat(ByteBufUtil.hexDump(out)).isEqualTo(bytes);
    }
}
