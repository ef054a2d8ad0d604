package io.turnstile.stories.tracker;

/** One thing that happens to both switches. */
sealed interface Step {

    /** A frame comes in; the source MAC is written when it is sent, see {@link TrackerSwitch}. */
    record Arrival(Program program, byte[] frame) implements Step {}

    /** Time passes. */
    record Wait(long ms) implements Step {}

    /** A command of {@code ovs-appctl}, whose answer counts. */
    record Command(String line) implements Step {}
}
