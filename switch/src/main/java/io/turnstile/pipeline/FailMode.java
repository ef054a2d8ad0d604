package io.turnstile.pipeline;

/** What a bridge does without a controller ({@code Bridge:fail_mode}). */
public enum FailMode {
    /** Switch by learned addresses. */
    STANDALONE,
    /** Only what the flows say. */
    SECURE
}
