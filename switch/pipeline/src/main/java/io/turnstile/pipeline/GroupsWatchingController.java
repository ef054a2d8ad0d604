package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import java.util.Collection;

/** The part of a change that controllers have come or gone: buckets may watch that. */
record GroupsWatchingController(GroupTable groups) implements Modification {
    @Override
    public void undo() {
        // Nothing is prepared.
    }

    @Override
    public void takeEffect() {
        // Who changes it has done so.
    }

    @Override
    public boolean concernsFlows() {
        return true;
    }

    @Override
    public void collectConcerned(Collection<DatapathFlow> concerned) {
        groups.collectDependents(GroupTable.CONTROLLER, concerned);
    }

    @Override
    public void cleanUp() {
        // Nothing has gone.
    }

    @Override
    public void end() {
        // Nothing is kept.
    }
}
