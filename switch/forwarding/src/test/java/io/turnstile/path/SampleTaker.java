package io.turnstile.path;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.DatapathPort;
import io.turnstile.datapath.SampledWalk;
import io.turnstile.datapath.WalkWatcher;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;

/** Takes a sample of every walk while it is told to. */
final class SampleTaker implements WalkWatcher {
    final Deque<SampledWalk> taken = new ArrayDeque<>();
    boolean takes;

    @Override
    public boolean isWatching() {
        return takes;
    }

    @Override
    public boolean claims(long connectionId, boolean reply) {
        return true;
    }

    @Override
    public void walked(SampledWalk walk) {
        taken.add(walk);
    }

    @Override
    public boolean isFollowed(DatapathFlow flow) {
        return false;
    }

    @Override
    public void flowsKilled(Collection<DatapathFlow> flows) {}

    @Override
    public void portRemoved(DatapathPort port) {}

    @Override
    public void awaitGone() {}
}
