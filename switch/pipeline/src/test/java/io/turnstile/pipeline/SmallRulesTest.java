package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What keeps a rule small: parts that are equal are one object, and sets of flags are bytes. */
class SmallRulesTest {
    private final PipelineBench bench = new PipelineBench(3);

    @Test
    void rulesOfOneKindShareTheirMaskAndEqualActions() {
        for (int i = 0; i < 300; i++) {
            // Masks of many other kinds in between, so that it is the table that remembers.
            bench.flows(
                    "priority=1,udp,tp_dst=" + i + ",actions=output:1,output:2",
                    "priority=2,udp,tp_dst=" + i + "/" + (0x8000 | i) + ",actions=output:3");
        }
        List<OpenFlowSwitch.FlowStats> alike =
                bench.allFlows().stream().filter(flow -> flow.priority() == 1).toList();
        assertThat(alike).hasSize(300);
        assertThat(alike)
                .allSatisfy(flow -> assertThat(flow.match().mask())
                        .isSameAs(alike.getFirst().match().mask()))
                .allSatisfy(flow ->
                        assertThat(flow.actions()).isSameAs(alike.getFirst().actions()));
    }

    @Test
    void sharedActionsAreEqualToThoseAskedForAndDoNotChangeWithThem() {
        SharedActions shared = new SharedActions();
        List<List<OfAction>> kept = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            List<OfAction> actions = new ArrayList<>(List.of(new OfAction.Output(i)));
            List<OfAction> got = shared.share(actions);
            kept.add(got);
            actions.clear();
            assertThat(got).containsExactly(new OfAction.Output(i));
            assertThat(shared.share(List.of(new OfAction.Output(i)))).isSameAs(got);
        }
        assertThat(kept).doesNotHaveDuplicates();
    }

    @Test
    void everySetOfFlagsComesBack() {
        FlowMod.Flag[] flags = FlowMod.Flag.values();
        for (int bits = 0; bits < 1 << flags.length; bits++) {
            Set<FlowMod.Flag> set = EnumSet.noneOf(FlowMod.Flag.class);
            for (FlowMod.Flag flag : flags) {
                if ((bits & 1 << flag.ordinal()) != 0) {
                    set.add(flag);
                }
            }
            byte packed = FlagSet.of(set);
            assertThat(FlagSet.set(packed)).isEqualTo(set);
            assertThat(flags).allMatch(flag -> FlagSet.has(packed, flag) == set.contains(flag));
        }
    }
}
