package io.turnstile.stories.tracker;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Goes through scripts on Open vSwitch and on Turnstile as people start it, looks at the connections after each step,
 * and gives each difference the name of the {@link TcpDecision} that foresees it. Behind a difference the script goes
 * on with empty trackers, so that none is the consequence of another.
 */
final class NamedDifferences {
    private static final Step LOOK = new Step.Command("dpctl/dump-conntrack -m -s");
    private static final Pattern ZONE = Pattern.compile(",zone=\\d+");
    private static final Pattern WRITTEN = Pattern.compile(",(mark|labels)=\\w+");
    private static final Pattern STATE = Pattern.compile("ct_state=([^ ;]*)");

    private final TrackerSwitch theirs;
    private final TrackerSwitch ours;
    private final Map<TcpDecision, Integer> met = new EnumMap<>(TcpDecision.class);

    NamedDifferences(TrackerSwitch theirs, TrackerSwitch ours) {
        this.theirs = theirs;
        this.ours = ours;
    }

    /** How often each was met. */
    Map<TcpDecision, Integer> met() {
        return met;
    }

    /** The first difference of the script that no decision foresees, for people; empty if there is none. */
    String unforeseen(Script script) {
        List<Step> rest = script.steps();
        while (!rest.isEmpty()) {
            List<Step> watched = new ArrayList<>();
            rest.forEach(step -> watched.addAll(List.of(step, LOOK)));
            Seen both = new Seen(rest, run(theirs, watched), run(ours, watched));
            int differing = both.firstDifference();
            if (differing < 0) {
                return "";
            }
            TcpDecision decision = both.decision(differing);
            if (decision == null) {
                return new Script(rest.subList(0, differing + 1)).text() + both.text(differing);
            }
            met.merge(decision, 1, Integer::sum);
            rest = rest.subList(differing + 1, rest.size());
        }
        return "";
    }

    private static List<String> run(TrackerSwitch target, List<Step> steps) {
        return target.run(new Script(steps)).steps();
    }

    /** What was seen of the same steps; behind each step stand the connections. */
    private record Seen(List<Step> steps, List<String> theirs, List<String> ours) {

        int firstDifference() {
            for (int i = 0; i < steps.size(); i++) {
                String their = theirs.get(2 * i);
                String our = ours.get(2 * i);
                boolean alike = their.equals(our) || Outcome.isOfLink(steps.get(i), their, our);
                if (!alike || !connections(theirs, i).equals(connections(ours, i))) {
                    return i;
                }
            }
            return -1;
        }

        /** What can be compared: what has less than a second left may have been swept or not. */
        private static List<String> connections(List<String> seen, int step) {
            return all(seen, step).stream()
                    .filter(line -> !line.contains(",timeout=0"))
                    .toList();
        }

        /** Lines without what a program writes into the connection, whatever the packet is for the state machine. */
        private static Set<String> followed(List<String> lines) {
            return lines.stream()
                    .map(line -> WRITTEN.matcher(line).replaceAll(""))
                    .collect(Collectors.toSet());
        }

        private static List<String> all(List<String> seen, int step) {
            return step < 0 ? List.of() : seen.get(2 * step + 1).lines().toList();
        }

        /** The decision that foresees the difference, or null. */
        TcpDecision decision(int step) {
            if (!(steps.get(step) instanceof Step.Arrival arrival) || !TcpSituation.isTcp(arrival.frame())) {
                return null;
            }
            List<String> before = all(ours, step - 1);
            Set<String> apart = numbersApart(step);
            for (String line : before) {
                TcpSituation situation = TcpSituation.of(arrival, line, apart.contains(key(line)));
                if (situation != null) {
                    boolean stays = followed(all(ours, step)).containsAll(followed(List.of(line)));
                    for (TcpDecision decision : TcpDecision.values()) {
                        if (decision.isAbout(situation)
                                && (stays || !decision.changesNothing)
                                && isForeseen(decision, step)) {
                            return decision;
                        }
                    }
                }
            }
            TcpDecision none = TcpDecision.BEGINS_NOTHING;
            boolean beganNothing = keys(before).containsAll(keys(all(ours, step)));
            return none.isAbout(TcpSituation.ofNoConnection(arrival)) && beganNothing && isForeseen(none, step)
                    ? none
                    : null;
        }

        /** The connections of which a packet before that step may have set the numbers apart. */
        private Set<String> numbersApart(int step) {
            Set<String> apart = new HashSet<>();
            for (int i = 0; i < step; i++) {
                if (steps.get(i) instanceof Step.Arrival arrival && TcpSituation.isTcp(arrival.frame())) {
                    for (String line : all(ours, i - 1)) {
                        TcpSituation situation = TcpSituation.of(arrival, line, false);
                        if (situation != null && situation.setsNumbersApart()) {
                            apart.add(key(line));
                        }
                    }
                }
            }
            return apart;
        }

        private static Set<String> keys(List<String> lines) {
            return lines.stream().map(Seen::key).collect(Collectors.toSet());
        }

        /** Both tuples and the zone. */
        private static String key(String line) {
            Matcher zone = ZONE.matcher(line);
            return line.replaceAll("\\),(?!reply).*", "") + (zone.find() ? zone.group() : "");
        }

        private boolean isForeseen(TcpDecision decision, int step) {
            List<String> theirWords = words(theirs.get(2 * step));
            List<String> ourWords = words(ours.get(2 * step));
            for (int stage = 0; stage < Math.min(theirWords.size(), ourWords.size()); stage++) {
                boolean unseen =
                        theirWords.get(stage).isEmpty() && ourWords.get(stage).isEmpty();
                if (unseen || decision.foresees(theirWords.get(stage), ourWords.get(stage))) {
                    return true;
                }
                if (!theirWords.get(stage).equals(ourWords.get(stage))) {
                    return false;
                }
            }
            return false;
        }

        /** What was said at each stage: new, est, inv or nothing of these. */
        private static List<String> words(String text) {
            List<String> words = new ArrayList<>();
            Matcher states = STATE.matcher(text);
            while (states.find()) {
                String state = states.group(1);
                words.add(
                        state.contains("inv")
                                ? "inv"
                                : state.contains("new") ? "new" : state.contains("est") ? "est" : "");
            }
            return words;
        }

        String text(int step) {
            return "  Open vSwitch: " + theirs.get(2 * step) + "\n" + String.join("\n", connections(theirs, step))
                    + "\n  ours: " + ours.get(2 * step) + "\n" + String.join("\n", connections(ours, step)) + "\n";
        }
    }
}
