package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.function.BiConsumer;

/** Flow statistics, one message after the other as the peer takes them. Event loop thread only. */
final class FlowDump implements LongReply {
    /** How long one piece may take, whether or not it found enough flows for a message. */
    static final long PIECE_NS = 1_000_000;
    /** How many flows are looked at between two looks at the clock. */
    static final int FLOWS_PER_LOOK = 16;

    private final FlowCursor flows;
    private final MultipartReply parts;
    private final BiConsumer<ByteBuf, FlowStats> writer;

    /** @param writer writes one entry */
    FlowDump(FlowCursor flows, MultipartReply parts, BiConsumer<ByteBuf, FlowStats> writer) {
        this.flows = flows;
        this.parts = parts;
        this.writer = writer;
    }

    @Override
    public boolean proceed() {
        int sentBefore = parts.sent();
        long beganNs = System.nanoTime();
        while (flows.advance(FLOWS_PER_LOOK, flow -> parts.add(out -> writer.accept(out, flow)))) {
            if (parts.sent() != sentBefore || System.nanoTime() - beganNs >= PIECE_NS) {
                return true;
            }
        }
        parts.finish();
        return false;
    }

    @Override
    public long heldBytes() {
        return flows.heldBytes();
    }

    @Override
    public void abandon() {
        parts.abandon();
    }
}
