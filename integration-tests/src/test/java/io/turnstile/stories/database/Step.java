package io.turnstile.stories.database;

/**
 * A transaction as its client saw it. Writes step a counter and answer what it is then; reads answer what it is.
 *
 * @param requestNs when it was sent
 * @param responseNs when the answer was there; {@link Long#MAX_VALUE} if none came
 * @param value of the counter; {@link #UNKNOWN} if no answer came
 */
record Step(String id, boolean isWrite, long requestNs, long responseNs, long value) {
    static final long UNKNOWN = -1;

    boolean isAnswered() {
        return responseNs != Long.MAX_VALUE;
    }

    Step with(long known) {
        return new Step(id, isWrite, requestNs, responseNs, known);
    }

    /** Where in the order of all steps it has its place: reads of a value come after the write that made it. */
    long position() {
        return 2 * value + (isWrite ? 0 : 1);
    }
}
