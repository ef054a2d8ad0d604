package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.FlowModCodec;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a bundle keeps is what came, and hardly more. */
class BundleTest {
    private static final int MILLION = 1_000_000;

    private final ByteBudget budget = new ByteBudget(Long.MAX_VALUE / 2);

    private static FlowMod flow(int number) throws FlowTextException {
        String ports = number % 3 == 0 ? "" : ",tcp,tp_dst=" + (number & 0xffff);
        return FlowText.parseFlowMod(FlowMod.Command.ADD, "cookie=" + number + ports + ",actions=output:1");
    }

    private static ByteBuf bytes(FlowMod flow, int xid) {
        ByteBuf out = Unpooled.buffer();
        FlowModCodec.write13(out, flow, xid);
        return out;
    }

    private Bundle empty() throws OfException {
        return Bundle.open(budget, 0, WireVersion.OF13, Unpooled.wrappedBuffer(new byte[24]), 0);
    }

    @Test
    void messagesComeBackInOrderAndOutOfOrder() throws Exception {
        Bundle bundle = empty();
        for (int i = 0; i < 20_000; i++) {
            bundle.add(bytes(flow(i), i), 0);
        }
        Bundle.Changes changes = bundle.changes();
        int at = 0;
        for (; changes.hasNext(); at++) {
            assertThat(changes.next()).isEqualTo(flow(at));
            assertThat(changes.xid()).isEqualTo(at);
        }
        assertThat(at).isEqualTo(20_000);
        Random random = new Random(5);
        for (int i = 0; i < 2000; i++) {
            int index = random.nextInt(20_000);
            assertThat(bundle.message(index)).isEqualTo(bytes(flow(index), index));
        }
    }

    @Test
    void aMillionMessagesFitAndTakeTheirBytes() throws Exception {
        Bundle bundle = empty();
        ByteBuf message = bytes(flow(1), 1);
        for (int i = 0; i < MILLION; i++) {
            bundle.add(message, 0);
        }
        assertThat(message.readableBytes()).isLessThan(120);
        assertThat(bundle.takenBytes() / (double) MILLION).isLessThan(message.readableBytes() + 1);
        OfException refused = catchThrowableOfType(OfException.class, () -> bundle.add(message, 0));
        assertThat(refused.code()).isEqualTo(OfErrorCode.OFPBFC_MSG_TOO_MANY);
        assertThat(budget.takenBytes()).isEqualTo(bundle.takenBytes());
        bundle.close();
        assertThat(budget.takenBytes()).isZero();
    }

    @Test
    void aMessageOfAnySizeFitsIntoAChunk() throws Exception {
        Bundle bundle = empty();
        Random random = new Random(7);
        int[] sizes = random.ints(500, 8, 0x10000).toArray();
        for (int i = 0; i < sizes.length; i++) {
            bundle.add(
                    Unpooled.buffer(sizes[i])
                            .writeShort(0)
                            .writeShort(sizes[i])
                            .writeInt(i)
                            .writeZero(sizes[i] - 8),
                    0);
        }
        for (int i = 0; i < sizes.length; i++) {
            assertThat(bundle.message(i).readableBytes()).isEqualTo(sizes[i]);
            assertThat(bundle.message(i).getInt(4)).isEqualTo(i);
        }
    }
}
