package io.turnstile.bench.soak;

import java.time.Duration;

/**
 * One kind of use, done again and again.
 *
 * @param name as the report has it
 * @param pause between the end of a step and the next one
 * @param step throws if the switch did not answer as it should
 */
record Activity(String name, Duration pause, Step step) {

    /** One turn; bounded in time by itself. */
    interface Step {
        void run() throws Exception;
    }
}
