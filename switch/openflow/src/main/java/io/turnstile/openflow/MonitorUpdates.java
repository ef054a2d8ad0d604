package io.turnstile.openflow;

import io.turnstile.openflow.wire.FlowMonitorCodec;
import io.turnstile.openflow.wire.FlowMonitorCodec.Event;
import io.turnstile.openflow.wire.FlowMonitorCodec.Wish;
import io.turnstile.pipeline.FlowChange;
import io.turnstile.pipeline.FlowChanges;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import java.util.Iterator;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** What one change has done to flows that are watched, as the peer takes it. Event loop thread only. */
final class MonitorUpdates implements LongReply {
    /** What the name of a flow takes, and the flow if it has gone and nobody else keeps it. */
    private static final int BYTES_PER_FLOW = 192;

    private final FlowChanges changes;
    private final Iterator<FlowChange> flows;
    private final boolean inShort;
    private final LazyReply parts;
    private final Function<FlowChange, Set<Wish>> wishes;
    private final Runnable told;
    private boolean abbreviated;

    /**
     * @param inShort whether the change's transaction id says enough, unless a monitor wants more
     * @param beginning begins a message
     * @param wishes what is to be told of a change; nothing if it is not to be told of
     * @param told run when all is told
     */
    MonitorUpdates(
            FlowChanges changes,
            boolean inShort,
            Supplier<MultipartReply> beginning,
            Function<FlowChange, Set<Wish>> wishes,
            Runnable told) {
        this.changes = changes;
        this.flows = changes.inOrder();
        this.inShort = inShort;
        this.parts = new LazyReply(beginning);
        this.wishes = wishes;
        this.told = told;
    }

    @Override
    public boolean proceed() {
        int sentBefore = parts.sent();
        boolean more = FlowDump.lookAtSome(this::look, () -> parts.sent() != sentBefore);
        if (!more) {
            parts.finish();
            told.run();
        }
        return more;
    }

    private boolean look(int atMost) {
        for (int i = 0; i < atMost && flows.hasNext(); i++) {
            FlowChange change = flows.next();
            Set<Wish> wanted = wishes.apply(change);
            if (!wanted.isEmpty()) {
                tell(change, wanted);
            }
        }
        return flows.hasNext();
    }

    private void tell(FlowChange change, Set<Wish> wanted) {
        if (!inShort || wanted.contains(Wish.OWN)) {
            MultipartReply reply = parts.get();
            FlowRemovedReason reason = change.reason();
            reply.add(out -> FlowMonitorCodec.writeFlow(
                    out,
                    Event.of(change.event()),
                    reason == null ? 0 : reason.number(),
                    change.flow(),
                    wanted.contains(Wish.ACTIONS),
                    reply.version()));
        } else if (!abbreviated) {
            abbreviated = true;
            MultipartReply reply = parts.get();
            reply.add(out -> FlowMonitorCodec.writeAbbreviation(out, change.xid(), reply.version()));
        }
        if (!changes.areTogether()) {
            parts.finish();
        }
    }

    @Override
    public long heldBytes() {
        return (long) changes.size() * BYTES_PER_FLOW;
    }

    @Override
    public void abandon() {
        parts.abandon();
    }
}
