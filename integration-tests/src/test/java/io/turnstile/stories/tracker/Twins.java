package io.turnstile.stories.tracker;

import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Open vSwitch and Turnstile, given the same scripts. Where the RFCs and Open vSwitch contradict each other Turnstile
 * follows TCP by the RFCs (decision 21); so there is a third switch, a Turnstile that does not, and has to be like Open
 * vSwitch in everything.
 */
final class Twins implements AutoCloseable {
    private static final int SHRINKING_TRIES = 600;
    private static final Map<String, String> BY_THEIR_RULES =
            Map.of("TURNSTILE_JAVA_OPTIONS", "-Dio.turnstile.conntrack.tcp-rules=open-vswitch");

    private final Lab lab;
    private final TrackerSwitch theirs;
    private final TrackerSwitch ours;
    private final TrackerSwitch oursByTheirRules;

    private Twins(Lab lab, TrackerSwitch theirs, TrackerSwitch ours, TrackerSwitch oursByTheirRules) {
        this.lab = lab;
        this.theirs = theirs;
        this.ours = ours;
        this.oursByTheirRules = oursByTheirRules;
    }

    static Twins start(Set<Feature> features) {
        Lab lab = new Lab("tracker");
        try {
            List<Program> programs = Program.of(features);
            OpenVswitch theirs = lab.add(OpenVswitch.start(lab, "--enable-dummy=override"));
            Turnstile turnstile = lab.add(Turnstile.start(lab, "--enable-dummy=override"));
            Turnstile byTheirRules = lab.add(Turnstile.start(lab, BY_THEIR_RULES, "--enable-dummy=override"));
            return new Twins(
                    lab,
                    lab.add(TrackerSwitch.prepare(lab, theirs, programs)),
                    lab.add(TrackerSwitch.prepare(lab, turnstile, programs)),
                    lab.add(TrackerSwitch.prepare(lab, byTheirRules, programs)));
        } catch (IOException e) {
            lab.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    TrackerSwitch theirs() {
        return theirs;
    }

    TrackerSwitch ours() {
        return ours;
    }

    /** The first difference between the two by Open vSwitch's rules for TCP, empty if there is none. */
    String difference(Script script) {
        return theirs.run(script).differenceTo(oursByTheirRules.run(script), script);
    }

    /** Empty, or a difference together with a script as short as was found that shows it. */
    String shrunkDifference(Script script) {
        if (difference(script).isEmpty()) {
            return "";
        }
        Script shortest = new Shrinker(shorter -> !difference(shorter).isEmpty(), SHRINKING_TRIES).shrink(script);
        return "\n" + shortest.text() + difference(shortest);
    }

    @Override
    public void close() {
        lab.close();
    }
}
