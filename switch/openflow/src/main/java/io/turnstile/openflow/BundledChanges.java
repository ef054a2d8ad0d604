package io.turnstile.openflow;

import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.SwitchChange;
import java.util.BitSet;
import java.util.Iterator;

/**
 * The changes of a bundle that is committed, and what other controllers are to be told of them: which groups were there
 * before is remembered, and the messages are read once more. One thread at a time.
 */
final class BundledChanges implements Iterator<SwitchChange> {
    private final Bundle bundle;
    private final Bundle.Changes changes;
    private final OpenFlowSwitch bridge;
    private final boolean tells;
    /** Of each message whether it is about a group that existed. */
    private final BitSet existed = new BitSet();

    private int next;

    /** @param tells whether other controllers want to know */
    BundledChanges(Bundle bundle, OpenFlowSwitch bridge, boolean tells) {
        this.bundle = bundle;
        this.changes = bundle.changes();
        this.bridge = bridge;
        this.tells = tells;
    }

    @Override
    public boolean hasNext() {
        return changes.hasNext();
    }

    @Override
    public SwitchChange next() {
        SwitchChange change = changes.next();
        if (tells && change instanceof GroupMod group && ForwardedGroupMod.exists(group, bridge)) {
            existed.set(next);
        }
        next++;
        return change;
    }

    /** The transaction id of the message that was asked for last. */
    int xid() {
        return changes.xid();
    }

    /** Tells the others, on the event loop, once all has taken effect. */
    void forward(OpenFlowConnection source, BridgeAgent agent) {
        if (!tells) {
            return;
        }
        Bundle.Changes again = bundle.changes();
        for (int i = 0; again.hasNext(); i++) {
            if (again.next() instanceof GroupMod group) {
                new ForwardedGroupMod(group, bridge, existed.get(i)).tell(source, again.xid(), agent);
            }
        }
    }
}
