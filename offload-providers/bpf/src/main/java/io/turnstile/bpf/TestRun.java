package io.turnstile.bpf;

/**
 * What came of a program that was run over a frame.
 *
 * @param result what it returned
 * @param frame the frame as it left it
 * @param context the context as it left it; empty if none was handed in
 * @param averageNs how long a run took
 */
public record TestRun(int result, byte[] frame, byte[] context, int averageNs) {}
