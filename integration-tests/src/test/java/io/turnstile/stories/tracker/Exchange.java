package io.turnstile.stories.tracker;

/** Frames between two hosts, one after the other, without end. */
interface Exchange {

    /** The next frame, from whichever side has something to say. */
    byte[] next();
}
