package io.turnstile.stories.tracker;

import io.turnstile.lab.Lab;
import io.turnstile.lab.OpenVswitch;
import io.turnstile.lab.Turnstile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;

/** Turnstile and Open vSwitch, given the same scripts. */
final class Twins implements AutoCloseable {
    private static final int SHRINKING_TRIES = 600;

    private final Lab lab;
    private final TrackerSwitch theirs;
    private final TrackerSwitch ours;

    private Twins(Lab lab, TrackerSwitch theirs, TrackerSwitch ours) {
        this.lab = lab;
        this.theirs = theirs;
        this.ours = ours;
    }

    static Twins start(Set<Feature> features) {
        Lab lab = new Lab("tracker");
        try {
            List<Program> programs = Program.of(features);
            OpenVswitch theirs = lab.add(OpenVswitch.start(lab, "--enable-dummy=override"));
            Turnstile turnstile = lab.add(Turnstile.start(lab, "--enable-dummy=override"));
            return new Twins(
                    lab,
                    lab.add(TrackerSwitch.prepare(lab, theirs, programs)),
                    lab.add(TrackerSwitch.prepare(lab, turnstile, programs)));
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

    /** The first difference between the two, empty if there is none. */
    String difference(Script script) {
        return theirs.run(script).differenceTo(ours.run(script), script);
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
