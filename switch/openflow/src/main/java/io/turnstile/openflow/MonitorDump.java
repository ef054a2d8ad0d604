package io.turnstile.openflow;

import io.turnstile.pipeline.MonitoredFlow;
import io.turnstile.pipeline.MonitoredFlows;
import java.util.function.BiConsumer;

/** Flows that a monitor tells of because they are there, as the peer takes them. Event loop thread only. */
final class MonitorDump implements LongReply {
    private final MonitoredFlows flows;
    private final LazyReply parts;
    private final Runnable end;
    private final BiConsumer<MonitoredFlow, LazyReply> teller;

    /**
     * @param end run when all is sent
     * @param teller adds the flow to the reply if it is to be told of
     */
    MonitorDump(MonitoredFlows flows, LazyReply parts, Runnable end, BiConsumer<MonitoredFlow, LazyReply> teller) {
        this.flows = flows;
        this.parts = parts;
        this.end = end;
        this.teller = teller;
    }

    @Override
    public boolean proceed() {
        int sentBefore = parts.sent();
        boolean more = FlowDump.lookAtSome(
                atMost -> flows.advance(atMost, flow -> teller.accept(flow, parts)), () -> parts.sent() != sentBefore);
        if (!more) {
            parts.finish();
            end.run();
        }
        return more;
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
