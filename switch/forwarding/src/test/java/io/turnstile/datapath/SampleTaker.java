package io.turnstile.datapath;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Takes every walk there is, unless told not to. */
public class SampleTaker implements WalkWatcher {
    public final List<SampledWalk> walks = new ArrayList<>();
    public boolean takes = true;

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
        walks.add(walk);
    }

    @Override
    public boolean isFollowed(DatapathFlow flow) {
        return false;
    }

    @Override
    public void flowsKilled(Collection<DatapathFlow> flows) {}

    @Override
    public void waysChanged() {}

    @Override
    public void portRemoved(DatapathPort port) {}

    @Override
    public void awaitGone() {}
}
