package io.turnstile.pipeline;

import java.util.concurrent.atomic.AtomicBoolean;

/** The shorter timeouts of a flow that was met by a TCP packet with FIN or RST. Threads: as {@link SideEffect} says. */
final class FinTimeouts implements SideEffect {
    private final BridgePipeline bridge;
    private final Rule rule;
    private final int idleSeconds;
    private final int hardSeconds;
    private final AtomicBoolean waiting = new AtomicBoolean();

    /** @param idleSeconds 0: as it is, as for the other */
    FinTimeouts(BridgePipeline bridge, Rule rule, int idleSeconds, int hardSeconds) {
        this.bridge = bridge;
        this.rule = rule;
        this.idleSeconds = idleSeconds;
        this.hardSeconds = hardSeconds;
    }

    @Override
    public AtomicBoolean waiting() {
        return waiting;
    }

    @Override
    public boolean refresh(long usedNs) {
        return rule.phase == Rule.Phase.GONE || !rule.isLongerThan(idleSeconds, hardSeconds);
    }

    @Override
    public void make(Effects effects, long usedNs) {
        if (!refresh(usedNs)) {
            bridge.reduceTimeouts(rule, idleSeconds, hardSeconds);
        }
    }
}
