package io.turnstile.conntrack;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/** Carries connections as a provider does: writes down what the tracker tells, and answers as the test wants. */
final class Carrier implements ConnectionListener {
    final List<String> events = new ArrayList<>();
    /** Answers {@link #onDeadline}; nobody is asked at first. */
    LongPredicate asked = id -> false;
    /** Answers {@link #isAwaited}. */
    boolean awaited;
    /** Answers {@link #onRemoved}. */
    boolean keepsRemoved;
    /** What happens while it is asked {@link #isAwaited}. */
    Runnable meanwhile = () -> {};

    /** What was told since the last call. */
    List<String> news() {
        List<String> news = List.copyOf(events);
        events.clear();
        return news;
    }

    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {}

    @Override
    public void onEstablished(long connectionId, long nowNs) {
        events.add("established");
    }

    @Override
    public void onChanged(long connectionId, int changes, long nowNs) {
        StringBuilder text = new StringBuilder("changed");
        String[] names = {"mark", "label", "tcp", "port", "control"};
        for (int bit = 0; bit < names.length; bit++) {
            text.append((changes & 1 << bit) == 0 ? "" : " " + names[bit]);
        }
        events.add(text.toString());
    }

    @Override
    public boolean onDeadline(long connectionId, long nowNs) {
        events.add("deadline");
        return asked.test(connectionId);
    }

    @Override
    public boolean isAwaited(long connectionId) {
        meanwhile.run();
        return awaited;
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        events.add("removed " + reason);
        return keepsRemoved;
    }
}
