package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a switch made of a script.
 *
 * @param steps for each step what was seen of it, in words: the frames that left, or the answer to a command
 * @param connections lines of {@code dpctl/dump-conntrack -m -s} at the end, sorted
 */
record Outcome(List<String> steps, List<String> connections) {

    private static final Pattern UNTRANSLATED = Pattern.compile("ct_state=\\+new\\+trk[^;]*");

    /** The first difference that is not decided, for people; empty if there is none. */
    String differenceTo(Outcome ours, Script script) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < steps.size() && text.isEmpty(); i++) {
            if (!steps.get(i).equals(ours.steps.get(i))
                    && !isExhaustion(script.steps().get(i), steps.get(i), ours.steps.get(i))
                    && !isOfLink(script.steps().get(i), steps.get(i), ours.steps.get(i))) {
                text.append("step ").append(i + 1).append("\n  Open vSwitch: ").append(steps.get(i));
                text.append("\n  ours: ").append(ours.steps.get(i)).append('\n');
            }
        }
        without(connections, ours.connections)
                .forEach(line ->
                        text.append("  only Open vSwitch: ").append(line).append('\n'));
        without(ours.connections, connections)
                .forEach(line -> text.append("  only ours: ").append(line).append('\n'));
        return text.toString();
    }

    /** What cannot be translated is dropped; Debian's Open vSwitch lets it through as it is. */
    private static boolean isExhaustion(Step step, String theirs, String ours) {
        return step instanceof Step.Arrival arrival
                && arrival.program().translatesAlways()
                && ours.equals("nothing")
                && UNTRANSLATED.matcher(theirs).matches();
    }

    /** What is said on an IPv6 link alone is invalid to Open vSwitch (decision 22). */
    static boolean isOfLink(Step step, String theirs, String ours) {
        return step instanceof Step.Arrival arrival
                && Headers.isOfLink(arrival.frame())
                && ours.equals(theirs.replace("+inv+trk", "+trk"));
    }

    private static List<String> without(List<String> lines, List<String> others) {
        List<String> left = new ArrayList<>(lines);
        others.forEach(left::remove);
        return left;
    }
}
