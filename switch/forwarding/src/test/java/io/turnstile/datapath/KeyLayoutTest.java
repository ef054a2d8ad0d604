package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.KeyLayout.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What a layout must not be: a bit that two fields have, or a word that no lookup, or more than one stage, looks at.
 */
class KeyLayoutTest {
    private static final Slot META = new Slot("mark", 0, 0, 32, KeyLayer.META, false);
    private static final Slot LINK = new Slot("mac", 1, 16, 48, KeyLayer.LINK, false);
    private static final Slot PIPELINE = new Slot("register", 2, 0, 64, KeyLayer.PIPELINE, false);

    private static KeyLayout with(Slot... others) {
        List<Slot> slots = new ArrayList<>(List.of(META, LINK, PIPELINE));
        slots.addAll(List.of(others));
        return KeyLayout.of(slots);
    }

    private static void assertRefused(String fault, Slot slot) {
        assertThatThrownBy(() -> with(slot))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(fault);
    }

    @Test
    void fieldsMayNotOverlap() {
        assertRefused("overlaps", new Slot("other", 1, 0, 17, KeyLayer.LINK, false));
        assertRefused("overlaps", new Slot("wide", 1, 0, 128, KeyLayer.LINK, false));
    }

    @Test
    void aFieldLiesInsideItsWords() {
        assertRefused("inside", new Slot("other", 1, 50, 16, KeyLayer.LINK, false));
        assertRefused("inside", new Slot("other", 1, 0, 96, KeyLayer.LINK, false));
        assertRefused("inside", new Slot("other", 1, 8, 128, KeyLayer.LINK, false));
    }

    @Test
    void aWordBelongsToOneLayer() {
        assertRefused("belongs to LINK", new Slot("other", 1, 0, 16, KeyLayer.NETWORK, false));
    }

    @Test
    void everyWordHasAField() {
        assertThatThrownBy(() -> KeyLayout.of(List.of(META, PIPELINE))).hasMessageContaining("word 1 has no field");
    }

    @Test
    void thePipelinesWordsStandBehindAllOthers() {
        assertRefused("stands behind", new Slot("other", 3, 0, 8, KeyLayer.LINK, false));
    }

    @Test
    void aViewShowsWhatOthersHave() {
        assertRefused("shows bits of no field", new Slot("view", 1, 0, 64, KeyLayer.LINK, true));
        assertThat(with(new Slot("view", 2, 0, 64, KeyLayer.PIPELINE, true)).words())
                .isEqualTo(3);
    }

    @Test
    void lookupsBeginWithWhatCostsTheDatapathNothing() {
        KeyLayout layout = with(new Slot("port", 3, 0, 64, KeyLayer.PIPELINE, false));
        assertThat(layout.datapathWords()).isEqualTo(2);
        assertThat(layout.stages()[0]).containsExactly(2, 3, 0);
        assertThat(layout.stages()[1]).containsExactly(1);
    }

    @Test
    void everyWordOfTheKeyIsInExactlyOneStage() {
        int[] words = Arrays.stream(FlowKey.stages())
                .flatMapToInt(Arrays::stream)
                .sorted()
                .toArray();
        assertThat(words).hasSize(FlowKey.WORDS);
        for (int i = 0; i < words.length; i++) {
            assertThat(words[i]).isEqualTo(i);
        }
    }
}
