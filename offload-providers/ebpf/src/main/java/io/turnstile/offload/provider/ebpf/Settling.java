package io.turnstile.offload.provider.ebpf;

/**
 * How order is kept when a path comes: frames that software was shown before are still on their way through it, and the
 * first one carried would overtake them. So carrying starts at the first pause in the direction's packets, or, if there
 * is none, after a while all the same.
 *
 * @param pauseNs so long after the last frame shown software has sent it on; 0: carry at once
 * @param longestNs how long a pause is waited for
 */
record Settling(long pauseNs, long longestNs) {
    private static final long NS_PER_US = 1_000;
    private static final int PAUSES = 20;

    static Settling ofMicroseconds(int pauseUs) {
        return new Settling(pauseUs * NS_PER_US, pauseUs * NS_PER_US * PAUSES);
    }

    boolean isOff() {
        return pauseNs == 0;
    }
}
