package io.turnstile.pipeline;

import org.jspecify.annotations.Nullable;

/**
 * Tells when a table becomes full or empty enough to be spoken of (OpenFlow 1.5.1 §6.5). One of the two events is
 * awaited at a time: what has been told is not told again before its contrary, so that a table that stays about a
 * threshold is quiet.
 *
 * <p>Threads: under the table lock.
 */
final class Vacancy {
    private static final int WHOLE = 100;

    private int down;
    private int up;
    /** Null while nobody is to be told. */
    private @Nullable TableStatusReason awaited;

    /** @param percent what is left now */
    void configure(boolean wanted, int downPercent, int upPercent, int percent) {
        down = downPercent;
        up = upPercent;
        if (!wanted) {
            awaited = null;
        } else if (awaited == null) {
            awaited = percent < up ? TableStatusReason.VACANCY_UP : TableStatusReason.VACANCY_DOWN;
        }
    }

    boolean isWanted() {
        return awaited != null;
    }

    int downPercent() {
        return down;
    }

    int upPercent() {
        return up;
    }

    /** What is to be told now that so much is left; null if nothing is. */
    @Nullable
    TableStatusReason changed(int percent) {
        TableStatusReason event =
                percent < down ? TableStatusReason.VACANCY_DOWN : percent > up ? TableStatusReason.VACANCY_UP : null;
        if (event == null || event != awaited) {
            return null;
        }
        awaited =
                event == TableStatusReason.VACANCY_DOWN ? TableStatusReason.VACANCY_UP : TableStatusReason.VACANCY_DOWN;
        return event;
    }

    /**
     * How much of a table is left, in whole percent; a table for no flows at all counts as empty, as in Open vSwitch.
     */
    static int percentLeft(int flows, long limit) {
        if (limit == 0) {
            return WHOLE;
        }
        return flows >= limit ? 0 : (int) ((limit - flows) * WHOLE / limit);
    }
}
