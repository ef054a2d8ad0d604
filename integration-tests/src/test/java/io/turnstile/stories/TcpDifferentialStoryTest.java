package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.LabSwitch;
import io.turnstile.stories.TcpScripts.Dialogue;
import io.turnstile.stories.TcpScripts.Step;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * TCP dialogues through both switches: every packet gets from each the ct_state that is written for it in the script,
 * mostly the same; after every packet both list the same connections, with the same states, scales and seconds left. Of
 * a dialogue that tells them apart (decision 21) each has what is written for it.
 */
@Tag("system")
class TcpDifferentialStoryTest {
    private static final int FIRST_PORT = 1025;
    private static final int MOST_AT_ONCE = 100;
    private static StateProbe probe;

    @BeforeAll
    static void start() {
        probe = new StateProbe("tcp");
    }

    @AfterAll
    static void stop() {
        probe.close();
    }

    /** A dialogue may have failed with the check switched off. */
    @AfterEach
    void checkSequenceNumbersAgain() {
        probe.both().theirs().appctl("dpctl/ct-enable-tcp-seq-chk").run();
        probe.both().ours().appctl("dpctl/ct-enable-tcp-seq-chk").run();
    }

    @Test
    void dialoguesAreFollowedAlike() throws IOException {
        List<Dialogue> dialogues = TcpScripts.dialogues();
        assertThat(dialogues).hasSizeGreaterThanOrEqualTo(40);
        play(dialogues.stream().filter(dialogue -> !dialogue.isForItself()).toList());
        for (Dialogue dialogue : dialogues) {
            if (dialogue.isForItself()) {
                play(List.of(dialogue));
            }
        }
        probe.both().assertSame();
    }

    @Test
    void everyCellOfTheTablesIsAlike() throws IOException {
        List<Dialogue> cells = TcpScripts.cells();
        assertThat(cells).hasSizeGreaterThan(150);
        for (int i = 0; i < cells.size(); i += MOST_AT_ONCE) {
            play(cells.subList(i, Math.min(cells.size(), i + MOST_AT_ONCE)));
        }
        probe.both().assertSame();
    }

    /** Side by side, each from a client's port of its own: first packets first. */
    private static void play(List<Dialogue> dialogues) {
        probe.both().appctl("dpctl/flush-conntrack");
        int[] positions = new int[dialogues.size()];
        while (true) {
            List<byte[]> fromClients = new ArrayList<>();
            List<byte[]> fromServers = new ArrayList<>();
            Map<Integer, Step> expected = new TreeMap<>();
            for (int i = 0; i < positions.length; i++) {
                List<Step> steps = dialogues.get(i).steps();
                while (positions[i] < steps.size() && !steps.get(positions[i]).isPacket()) {
                    obey(steps.get(positions[i]++), dialogues.get(i), FIRST_PORT + i);
                }
                if (positions[i] < steps.size()) {
                    Step step = steps.get(positions[i]++);
                    (step.sign() == '>' ? fromClients : fromServers).add(step.frame(FIRST_PORT + i));
                    expected.put(FIRST_PORT + i, step);
                }
            }
            if (expected.isEmpty()) {
                return;
            }
            probe.receive(1, fromClients);
            probe.receive(2, fromServers);
            compare(dialogues, expected);
        }
    }

    private static void compare(List<Dialogue> dialogues, Map<Integer, Step> expected) {
        Map<Integer, String> theirs = byClient(probe.theirs());
        Map<Integer, String> ours = byClient(probe.ours());
        assertThat(theirs.keySet()).isEqualTo(expected.keySet());
        expected.forEach((port, step) -> {
            String name = dialogues.get(port - FIRST_PORT).name();
            if (step.theirState().equals("any")) {
                probe.both().compare("ct_state in \"" + name + "\"", theirs.get(port), ours.get(port));
                return;
            }
            String segment = "\"" + step.segment() + "\" in \"" + name + "\"";
            probe.both().compare("Open vSwitch and the script: " + segment, theirs.get(port), step.theirState());
            probe.both().compare("the script and Turnstile: " + segment, step.ourState(), ours.get(port));
        });
        probe.both()
                .compare(
                        "connections after a round",
                        alike(probe.both().theirs(), dialogues),
                        alike(probe.both().ours(), dialogues));
    }

    /** The connections but those of dialogues that tell the switches apart. */
    private static String alike(LabSwitch target, List<Dialogue> dialogues) {
        return StateProbe.connections(target).stream()
                .filter(line -> IntStream.range(0, dialogues.size())
                        .noneMatch(i -> dialogues.get(i).tellsThemApart() && isOf(line, FIRST_PORT + i)))
                .collect(Collectors.joining("\n"));
    }

    private static boolean isOf(String line, int port) {
        return line.contains("=" + port + ",") || line.contains("=" + port + ")");
    }

    private static void obey(Step step, Dialogue dialogue, int port) {
        String[] words = step.text().split(" ");
        if (step.sign() != '!') {
            if (step.sign() != '+') {
                check(probe.both().theirs(), words, dialogue, port);
            }
            if (step.sign() != '-') {
                check(probe.both().ours(), words, dialogue, port);
            }
            return;
        }
        switch (words[0]) {
            case "wait" -> probe.wait(Duration.ofSeconds(Long.parseLong(words[1])));
            case "seq-chk" ->
                probe.both().appctl("dpctl/ct-" + (words[1].equals("on") ? "enable" : "disable") + "-tcp-seq-chk");
            default -> throw new IllegalArgumentException(step.text());
        }
    }

    private static void check(LabSwitch target, String[] words, Dialogue dialogue, int port) {
        List<String> lines = StateProbe.connections(target).stream()
                .filter(line -> isOf(line, port))
                .toList();
        if (words[0].equals("none")) {
            assertThat(lines).as("%s in \"%s\"", target.name(), dialogue.name()).isEmpty();
            return;
        }
        assertThat(lines).as("%s in \"%s\"", target.name(), dialogue.name()).hasSize(1);
        assertThat(lines.getFirst())
                .as("%s in \"%s\"", target.name(), dialogue.name())
                .contains(words);
    }

    /** States by the client's port, which is either end's. */
    private static Map<Integer, String> byClient(List<StateProbe.Told> told) {
        Map<Integer, String> states = new TreeMap<>();
        for (StateProbe.Told one : told) {
            int source = port(one.frame(), 34);
            states.put(source == 80 ? port(one.frame(), 36) : source, one.state());
        }
        return states;
    }

    private static int port(byte[] frame, int offset) {
        return (frame[offset] & 0xff) << 8 | frame[offset + 1] & 0xff;
    }
}
