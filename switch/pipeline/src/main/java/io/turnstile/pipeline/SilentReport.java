package io.turnstile.pipeline;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.OfAction;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The report of a walk that is not traced: it keeps nothing. Threads: stateless. */
sealed class SilentReport implements WalkReport permits LoggedReport {
    @Override
    public void openBridge(BridgePipeline bridge) {}

    @Override
    public void openTable(int tableId, @Nullable Rule rule, boolean packetIn) {}

    @Override
    public void openFragments(int tableId) {}

    @Override
    public void openBucket(int bucketId) {}

    @Override
    public void deadBucket(GroupBucket bucket) {}

    @Override
    public void bucketScore(int bucketId, int score) {}

    @Override
    public void openActionSet() {}

    @Override
    public void closeActionSet() {}

    @Override
    public void close() {}

    @Override
    public void resume(int tableId, List<FrozenActions> rest) {}

    @Override
    public void restored(FrozenActions list) {}

    @Override
    public void action(OfAction action) {}

    @Override
    public void likeAction(String text) {}

    @Override
    public void likeAction(String format, long value) {}

    @Override
    public void written(OfAction.SubField part, long[] key) {}

    @Override
    public void actionSet(String verb, List<OfAction> written) {}

    @Override
    public void learned(FlowMod flow) {}

    @Override
    public void recirculation(int id, int tableId, int zone, @Nullable NatRequest nat, long[] key) {}

    @Override
    public void detail(String text) {}

    @Override
    public void detail(String format, long value) {}

    @Override
    public void vlanRefused(String port, PortVlan settings, int vlan) {}

    @Override
    public void warning(String text) {}

    @Override
    public void warning(String format, long value) {}

    @Override
    public void error(String text) {}

    @Override
    public void error(String format, long value) {}
}
