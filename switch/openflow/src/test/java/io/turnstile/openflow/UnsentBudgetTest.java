package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whoever holds most is cut off, and nobody as long as all of it fits. */
class UnsentBudgetTest {
    private final UnsentBudget budget = new UnsentBudget(100);
    private final List<String> cut = new ArrayList<>();

    private final class Holder implements UnsentBudget.Holder {
        private final String name;
        private final UnsentBudget.Share share;
        private long unsentBytes;

        Holder(String name) {
            this.name = name;
            this.share = budget.join(this);
        }

        void grow(long bytes) {
            unsentBytes += bytes;
            share.grown();
        }

        @Override
        public long unsentBytes() {
            return unsentBytes;
        }

        @Override
        public void cutOff(long unsentBytes, long allUnsentBytes) {
            cut.add(name + " with " + unsentBytes + " of " + allUnsentBytes);
        }
    }

    private final Holder greedy = new Holder("greedy");
    private final Holder modest = new Holder("modest");

    @Test
    void theGreediestIsCutOffWhoeverGrows() {
        greedy.grow(60);
        modest.grow(40);
        assertThat(cut).isEmpty();
        modest.grow(1);
        assertThat(cut).containsExactly("greedy with 60 of 101");
        greedy.grow(1000); // until it is closed
        greedy.share.leave();
        modest.grow(59);
        assertThat(cut).as("there is room again").hasSize(1);
        modest.grow(1);
        assertThat(cut).endsWith("modest with 101 of 101");
    }

    @Test
    void whatHasLeftMeanwhileDoesNotCount() {
        greedy.grow(90);
        greedy.unsentBytes = 0;
        modest.grow(90);
        assertThat(cut).isEmpty();
        modest.share.leave();
        greedy.grow(90);
        assertThat(cut).isEmpty();
    }

    @Test
    void asManyAreCutOffAsItTakes() {
        List<Holder> more = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            more.add(new Holder("holder " + i));
            more.get(i).unsentBytes = 50;
        }
        modest.grow(1);
        assertThat(cut).as("nobody has said that it holds so much").isEmpty();
        greedy.grow(100);
        assertThat(cut).hasSize(5).first().isEqualTo("greedy with 100 of 351");
    }
}
