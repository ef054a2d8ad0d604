package io.turnstile.stories.tracker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void textOfAScriptIsTheSameScriptAgain(long seed) {
        Script script = new TrafficMix(seed, EnumSet.allOf(Feature.class)).script(200);
        assertThat(Script.parse(script.text()).text()).as("seed %d", seed).isEqualTo(script.text());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void sameSeedIsSameTraffic(long seed) {
        EnumSet<Feature> features = EnumSet.of(Feature.TRACKING);
        assertThat(new TrafficMix(seed, features).script(200).text())
                .isEqualTo(new TrafficMix(seed, features).script(200).text())
                .isNotEqualTo(new TrafficMix(seed + 1, features).script(200).text());
    }

    @Test
    void whatFollowsANumberSignIsForPeople() {
        assertThat(Script.parse("# nothing\n\nwait 20 # a little\nappctl dpctl/flush-conntrack zone=1\n")
                        .steps())
                .isEqualTo(List.of(new Step.Wait(20), new Step.Command("dpctl/flush-conntrack zone=1")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"wait", "wait long", "packet commit", "packet nowhere 00", "packet commit 0x", "sleep 5"})
    void whatIsNoStepIsRefused(String line) {
        assertThatThrownBy(() -> Script.parse("wait 1\n" + line)).isInstanceOf(IllegalArgumentException.class);
    }
}
