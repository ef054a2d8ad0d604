package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.conntrack.NatRequest.Choice;
import io.turnstile.conntrack.NatRequest.Kind;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands behind the subtype of NXAST_NAT; Open vSwitch's own bytes are in {@link FlowWireTest}. */
class NatCodecTest {

    private static NatRequest read(String hex) throws OfException {
        return NatCodec.read(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex.replace(" ", ""))));
    }

    @Test
    void everyPartOfARangeIsRead() throws OfException {
        assertThat(read("0000 000d 0033 0a000001 0a000009 03e8 07d0 00000000"))
                .isEqualTo(new NatRequest(
                        Kind.SOURCE, false, 0, 0x0a000001L, 0, 0x0a000009L, 1000, 2000, true, Choice.HASH));
        assertThat(read("0000 0012 0014 fc000000000000000000000000000001 0050 00000000"))
                .isEqualTo(new NatRequest(
                        Kind.DESTINATION,
                        true,
                        0xfc00000000000000L,
                        1,
                        0xfc00000000000000L,
                        1,
                        80,
                        80,
                        false,
                        Choice.RANDOM));
        assertThat(read("0000 0000 0000")).isEqualTo(NatRequest.ANY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0000 0003 0000",
                "0000 0018 0000",
                "0000 0020 0000",
                "0000 0001 0002 0a000001",
                "0000 0001 0001 00000000",
                "0000 0001 0001",
                "0000 0001 0003 0a000009 0a000001",
                "0000 0001 0005 0a000001",
                "0000 0001 000a 0a000001",
                "0000 0001 0010 0050",
                "0000 0001 0021 0a000001 0050",
                "0000 0001 0011 0a000001 0000",
                "0000 0001 0031 0a000001 0051 0050",
                "0000 0001 0008 fc000000000000000000000000000001"
            })
    void contradictionsAreBadArguments(String hex) {
        OfErrorCode code = null;
        try {
            read(hex);
        } catch (OfException refused) {
            code = refused.code();
        }
        assertThat(code).isEqualTo(OfErrorCode.OFPBAC_BAD_ARGUMENT);
    }

    @Test
    void whatIsReadIsWrittenAndReadAlike() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int read = 0;
        for (int i = 0; i < 200_000; i++) {
            byte[] bytes = new byte[random.nextInt(48)];
            random.nextBytes(bytes);
            if (bytes.length >= 6 && random.nextInt(8) != 0) { // Mostly flags and parts that there are.
                bytes[2] = bytes[4] = 0;
                bytes[3] &= 0x1f;
                bytes[5] &= 0x3f;
            }
            try {
                NatRequest nat = NatCodec.read(Unpooled.wrappedBuffer(bytes));
                read++;
                ByteBuf out = Unpooled.buffer();
                NatCodec.write(out, nat);
                assertThat(NatCodec.read(out)).isEqualTo(nat);
            } catch (OfException refused) {
                assertThat(refused.code()).isIn(OfErrorCode.OFPBAC_BAD_ARGUMENT, OfErrorCode.OFPBAC_BAD_LEN);
            } catch (RuntimeException bug) {
                throw new AssertionError("seed " + seed + ", " + ByteBufUtil.hexDump(bytes), bug);
            }
        }
        assertThat(read).as("ranges read, seed " + seed).isGreaterThan(5_000);
    }
}
