package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.MatchField;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two packets that differ in one bit, which a rule looks at: the bit is in the wildcards of both lookups, or one of the
 * two would be forwarded by the other's datapath flow. Every bit of every word of the key takes its turn, among few
 * rules, where each is looked at, and among many, where the words go by stages.
 */
class EveryBitDecidesTest {
    private static final int FEW = 1;
    private static final int MANY = 8;

    @ParameterizedTest
    @EnumSource(Field.class)
    void aBitThatARuleLooksAtSeparatesPackets(Field field) {
        for (int bit = 0; bit < field.widthBits(); bit++) {
            check(field, bit, FEW);
            check(field, bit, MANY);
        }
    }

    /** Rules that differ in another field, and all of which want the bit to be set. */
    private static void check(Field field, int bit, int rules) {
        Field other = field.layer() == Field.IPV6_SRC.layer() ? Field.CT_MARK : Field.NW_SRC;
        FlowTable table = new FlowTable(0);
        long[] with = FlowKey.newKey();
        Bits one = new Bits(0, 1).shiftedLeft(bit);
        for (int i = 0; i < rules; i++) {
            Match match = Match.builder()
                    .masked(field, one.high(), one.low(), one.high(), one.low())
                    .exact(other, i)
                    .build();
            table.insert(Rule.of(
                    new FlowMod(
                            FlowMod.Command.ADD,
                            0,
                            1,
                            match,
                            0,
                            0,
                            FlowMod.NO_COOKIE,
                            0,
                            0,
                            0,
                            OfAction.Ports.NONE,
                            Set.of(),
                            List.of()),
                    0,
                    0));
        }
        one.orInto(field, with);
        long[] without = FlowKey.newKey();
        String what = field.label() + "[" + bit + "] of " + rules + " rules";

        long[] hitWildcards = FlowKey.newKey();
        assertThat(table.find(with, hitWildcards, new ArrayList<>())).as(what).isNotNull();
        assertThat(isSet(field, one, hitWildcards)).as("hit: " + what).isTrue();
        long[] missWildcards = FlowKey.newKey();
        assertThat(table.find(without, missWildcards, new ArrayList<>()))
                .as(what)
                .isNull();
        assertThat(isSet(field, one, missWildcards)).as("miss: " + what).isTrue();
    }

    private static boolean isSet(Field field, Bits one, long[] wildcards) {
        return (field.get(wildcards) & one.low()) != 0 || (field.getHigh(wildcards) & one.high()) != 0;
    }

    @ParameterizedTest
    @EnumSource(Field.class)
    void whatActionsCanWriteAndTheDatapathHasIsWrittenToThePacket(Field field) {
        boolean ofItsOwn = field == Field.VLAN_TCI || field == Field.MPLS_LSE || field == Field.IN_PORT;
        if (!field.isOfDatapath()
                || ofItsOwn
                || MatchField.of(field).stream().noneMatch(name -> name.access().isOfFlows())) {
            return;
        }
        long[] key = FlowKey.newKey();
        VlanStack untagged = VlanStack.of(key);
        PendingRewrites rewrites = new PendingRewrites(key.clone(), untagged);
        WalkState walk = WalkState.entering(new PortLocation(null, 0), key, untagged);
        Bits.ones(1).orInto(field, walk.key);
        rewrites.written(field, Bits.ones(1));
        List<DatapathAction> actions = new ArrayList<>();
        rewrites.commit(walk, actions);
        assertThat(actions).as(field.label()).hasSize(1);
    }
}
