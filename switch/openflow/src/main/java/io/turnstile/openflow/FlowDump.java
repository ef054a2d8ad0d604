package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.pipeline.OpenFlowSwitch.FlowCursor;
import io.turnstile.pipeline.OpenFlowSwitch.FlowStats;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/** Flow statistics, one message after the other as the peer takes them. Event loop thread only. */
final class FlowDump implements LongReply {
    /** How long one piece may take, whether or not it found enough flows for a message. */
    private static final long PIECE_NS = 1_000_000;
    /** How many flows are looked at between two looks at the clock. */
    private static final int FLOWS_PER_LOOK = 16;

    private final FlowCursor flows;
    private final MultipartReply parts;
    private final BiConsumer<ByteBuf, FlowStats> writer;

    /** @param writer writes one entry */
    FlowDump(FlowCursor flows, MultipartReply parts, BiConsumer<ByteBuf, FlowStats> writer) {
        this.flows = flows;
        this.parts = parts;
        this.writer = writer;
    }

    /**
     * Looks at flows until it is enough, and for no longer than one piece may take.
     *
     * @return whether there may be more
     */
    static boolean lookAtSome(FlowCursor flows, Consumer<FlowStats> visitor, BooleanSupplier isEnough) {
        return lookAtSome(atMost -> flows.advance(atMost, visitor), isEnough);
    }

    /** @param look looks at so many at most, and returns whether there may be more */
    static boolean lookAtSome(IntPredicate look, BooleanSupplier isEnough) {
        long beganNs = System.nanoTime();
        while (look.test(FLOWS_PER_LOOK)) {
            if (isEnough.getAsBoolean() || System.nanoTime() - beganNs >= PIECE_NS) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean proceed() {
        int sentBefore = parts.sent();
        if (lookAtSome(flows, flow -> parts.add(out -> writer.accept(out, flow)), () -> parts.sent() != sentBefore)) {
            return true;
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
