package io.turnstile.datapath;

import java.util.Collection;

/**
 * Who looks at walks: nobody until {@link Datapath#setWalkWatcher} names somebody.
 *
 * <p>Threads: any.
 */
final class WatcherReference {
    private volatile WalkWatcher watcher = new Nobody();

    void set(WalkWatcher watcher) {
        this.watcher = watcher;
    }

    WalkWatcher get() {
        return watcher;
    }

    private static final class Nobody implements WalkWatcher {
        @Override
        public boolean isWatching() {
            return false;
        }

        @Override
        public boolean claims(long connectionId, boolean reply) {
            return false;
        }

        @Override
        public void walked(SampledWalk walk) {}

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
}
