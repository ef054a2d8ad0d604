package io.turnstile.conntrack;

import org.jspecify.annotations.Nullable;

/**
 * What one {@code ct()} action asks of the tracker (ovs-actions(7) ct). Immutable; made once per datapath flow and
 * shared by every packet that meets it.
 *
 * @param zone 0–65535, already resolved from a field if the action named one
 * @param commit put the connection into the table
 * @param force with commit: replace a connection whose original direction is the packet's reply direction
 * @param mark value for the bits of {@code markMask}; other bits keep what the connection has
 * @param markMask 0: leave ct_mark alone
 * @param labelHigh value for the bits of the label masks, upper 64
 * @param labelLow value for the bits of the label masks, lower 64
 * @param labelMaskHigh 0 with {@code labelMaskLow} 0: leave ct_label alone
 * @param labelMaskLow see {@code labelMaskHigh}
 * @param nat {@code nat(…)}, null if the action has none
 * @param alg with commit: the helper of the new connection
 * @param timeoutPolicy with commit: id of the {@link TimeoutPolicy} of the new connection, 0: the default one
 */
public record CtRequest(
        int zone,
        boolean commit,
        boolean force,
        int mark,
        int markMask,
        long labelHigh,
        long labelLow,
        long labelMaskHigh,
        long labelMaskLow,
        @Nullable NatRequest nat,
        Alg alg,
        int timeoutPolicy) {

    /** Makes a request without NAT, helper and timeout policy. */
    public CtRequest(
            int zone,
            boolean commit,
            boolean force,
            int mark,
            int markMask,
            long labelHigh,
            long labelLow,
            long labelMaskHigh,
            long labelMaskLow) {
        this(zone, commit, force, mark, markMask, labelHigh, labelLow, labelMaskHigh, labelMaskLow, null, Alg.NONE, 0);
    }

    /** {@code ct(zone=zone)}: look up only. */
    public static CtRequest lookup(int zone) {
        return new CtRequest(zone, false, false, 0, 0, 0, 0, 0, 0);
    }

    /** {@code ct(commit,zone=zone)}. */
    public static CtRequest commit(int zone) {
        return new CtRequest(zone, true, false, 0, 0, 0, 0, 0, 0);
    }

    /** Whether mark or label of the connection are to be changed. */
    public boolean writes() {
        return (markMask | labelMaskHigh | labelMaskLow) != 0;
    }

    /** Returns the same request with {@code nat(…)}. */
    public CtRequest with(NatRequest nat) {
        return new CtRequest(
                zone,
                commit,
                force,
                mark,
                markMask,
                labelHigh,
                labelLow,
                labelMaskHigh,
                labelMaskLow,
                nat,
                alg,
                timeoutPolicy);
    }

    /** Returns the same request with {@code alg=…}. */
    public CtRequest with(Alg alg) {
        return new CtRequest(
                zone,
                commit,
                force,
                mark,
                markMask,
                labelHigh,
                labelLow,
                labelMaskHigh,
                labelMaskLow,
                nat,
                alg,
                timeoutPolicy);
    }

    /** Returns the same request under a timeout policy. */
    public CtRequest withTimeouts(int policy) {
        return new CtRequest(
                zone,
                commit,
                force,
                mark,
                markMask,
                labelHigh,
                labelLow,
                labelMaskHigh,
                labelMaskLow,
                nat,
                alg,
                policy);
    }
}
