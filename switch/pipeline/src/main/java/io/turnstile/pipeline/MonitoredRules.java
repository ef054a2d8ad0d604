package io.turnstile.pipeline;

import java.util.function.Consumer;

/** The rules of some tables, for flow monitors. */
record MonitoredRules(long changeNumber, RuleCursor rules) implements MonitoredFlows {
    @Override
    public boolean advance(int atMost, Consumer<MonitoredFlow> visitor) {
        return rules.advance(atMost, rule -> {
            if (!rule.isHidden()) {
                visitor.accept(rule);
            }
        });
    }

    @Override
    public long heldBytes() {
        return rules.heldBytes();
    }
}
